"""What belongs to one bot, on its own page: numbers, people, keys and languages."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from bots.admin.fieldsets import KEYPAD, LANGUAGES, PEOPLE
from bots.admin.forms import LanguageForm, MenuKeyForm, PhoneNumberForm, TargetForm
from bots.admin.voice_preview import may_edit
from bots.advice.form import rows
from bots.config.bot_config import TRANSFER_NUMBER
from bots.models import MenuKey, PhoneNumber, SpokenLanguage, TransferTarget

if TYPE_CHECKING:
    Stacked = admin.StackedInline[Any, Any]
else:
    Stacked = admin.StackedInline


class PhoneNumberInline(Stacked):
    """The numbers that lead to the bot."""

    model = PhoneNumber
    form = PhoneNumberForm
    fields = ["number", "label", "is_active"]
    extra = 0
    verbose_name_plural = "Numbers this bot answers"


class BotInline(Stacked):
    """A list below a section; whoever may change the bot may change it."""

    extra = 0
    section = ""
    named = ""  # the field whose value a row goes by

    @classmethod
    def prefix(cls) -> str:
        """What the names of its fields begin with."""
        return str(cls.model._meta.get_field("bot").remote_field.related_name)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may look at the bot."""
        return request.user.has_perm("bots.view_bot") or may_edit(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may make or change bots."""
        return may_edit(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may make or change bots."""
        return may_edit(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may make or change bots."""
        return may_edit(request)


class TargetInline(BotInline):
    """The people callers can be put through to."""

    model = TransferTarget
    form = TargetForm
    section = PEOPLE
    named = "name"
    fields = [
        "name",
        "number",
        "when_to_use",
        "opening_hours",
        "ring_seconds",
        "announce",
    ]
    verbose_name = "person"
    verbose_name_plural = "People"


class MenuKeyFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable
    """The keys of the menu, which name people of the same form."""

    def clean(self) -> None:
        """Refuse a key that leads to nobody of this form, or to no tool of the bot."""
        super().clean()
        people = [row["name"] for row in rows(self.data, "targets") if row["name"]]
        if self.data.get("transfer_number", "").strip():
            people.append(TRANSFER_NUMBER)
        for form in self.forms:
            given = getattr(form, "cleaned_data", {})
            target = given.get("target", "")
            leads = given.get("action") == MenuKey.Action.TRANSFER
            if given.get("DELETE"):
                continue
            if leads and target and target not in people:
                form.add_error("target", _nobody(target, people))


def _nobody(target: str, people: list[str]) -> str:
    others = f"Choose {' or '.join(people)}." if people else "Add a person first."
    return f"The bot has no person called “{target}”. {others}"


class MenuKeyInline(BotInline):
    """What happens at once when a key is pressed."""

    model = MenuKey
    form = MenuKeyForm
    formset = MenuKeyFormSet
    section = KEYPAD
    named = "key"
    fields = ["key", "action", "message", "target", "tool"]
    verbose_name = "key"
    verbose_name_plural = "Keypad menu"


class LanguageInline(BotInline):
    """Languages to change to when a caller asks for one."""

    model = SpokenLanguage
    form = LanguageForm
    section = LANGUAGES
    named = "language"
    fields = [
        "language",
        "voice",
        "tts_model",
        "transcription_provider",
        "speech_model",
    ]
    verbose_name = "language"
    verbose_name_plural = "Further languages"


PARTS: list[type[BotInline]] = [LanguageInline, TargetInline, MenuKeyInline]
INLINES: list[type[Stacked]] = [*PARTS, PhoneNumberInline]
