"""Lists on the page of a bot: people, keys and languages."""

from typing import Any

from django.contrib import admin
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest

from bots.admin.changelist import VisibleChoices
from bots.admin.editor.tabs import COLLAPSED, KEYPAD, LANGUAGES, PEOPLE
from bots.admin.forms import TargetForm, TextForm
from bots.advice.form import rows
from bots.config.bot_config import TRANSFER_NUMBER
from bots.config.phrasebook import NAMES
from bots.models import Bot, MenuKey, SpokenLanguage, TransferTarget


class BoundedFormSet(BaseInlineFormSet[Any, Bot, ModelForm[Any]]):
    """A list that says in plain words how long it may be."""

    default_error_messages = {
        **BaseInlineFormSet.default_error_messages,
        "too_many_forms": "At most %(num)d are possible here. Delete some.",
    }

    def clean(self) -> None:
        """Refuse a row that somebody else has added since the page was opened.

        Django compares the rows of a form with each other, not with those that are
        not in it.
        """
        super().clean()
        model: Any = self.model
        constraint = model._meta.constraints[0]
        name = constraint.fields[-1]  # each list has one, of the bot and a name
        known = [form.instance.pk for form in self.initial_forms]
        added = model.objects.filter(bot=self.instance).exclude(pk__in=known)
        taken = set(added.values_list(name, flat=True))
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            if values.get(name) in taken and not values.get("DELETE"):
                form.add_error(name, constraint.violation_error_message)


class BotInline(VisibleChoices, admin.StackedInline[Any, Bot]):
    """A list below a section, with the permissions of the bot itself.

    All lists together must stay below the 1,000 fields that Django takes in one form.
    """

    extra = 0
    formset = BoundedFormSet
    section = ""
    name_field = ""  # its value names a row in messages

    @classmethod
    def prefix(cls) -> str:
        """The prefix of the list's form fields."""
        return str(cls.model._meta.get_field("bot").remote_field.related_name)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Refuse a longer list than `max_num`."""
        return super().get_formset(request, obj, **{"validate_max": True, **kwargs})

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_view = request.user.has_perm("bots.view_bot", obj)
        return may_view or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_change = request.user.has_perm("bots.change_bot", obj)
        return may_change or request.user.has_perm("bots.add_bot")

    has_add_permission = has_delete_permission = has_change_permission


class TargetInline(BotInline):
    """The people that callers can be transferred to."""

    model = TransferTarget
    max_num = 40
    form = TargetForm
    section = PEOPLE
    name_field = "name"
    fields = [
        *("name", "number", "ring_seconds"),
        *("when_to_use", "opening_hours", "announce"),
    ]
    verbose_name = "person"
    verbose_name_plural = "People"


class MenuKeyFormSet(BoundedFormSet):
    """The keys of the menu, which name people in the same form."""

    def clean(self) -> None:
        """Refuse a key whose person is not in this form."""
        super().clean()
        people = [row["name"] for row in rows(self.data, "targets") if row["name"]]
        if self.data.get("transfer_number", "").strip():
            people.append(TRANSFER_NUMBER)
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            if values.get("DELETE") or values.get("action") != MenuKey.Action.TRANSFER:
                continue
            target = values.get("target", "")
            if target and target not in people:
                form.add_error("target", missing_person(target, people))


def missing_person(target: str, people: list[str]) -> str:
    """Say that the bot has no such person, and whom it has."""
    others = f"Choose {' or '.join(people)}." if people else "Add a person first."
    return f"The bot has no person called “{target}”. {others}"


class MenuKeyInline(BotInline):
    """Keys that act as soon as they are pressed.

    menu.js replaces the field of the target by a list of people.
    """

    model = MenuKey
    max_num = 12
    form = TextForm
    formset = MenuKeyFormSet
    section = KEYPAD
    name_field = "key"
    fields = ["key", "action", "message", "target", "tool"]
    verbose_name = "key"
    verbose_name_plural = "Keypad menu"


class LanguageInline(BotInline):
    """Languages that the bot switches to when a caller asks for one."""

    model = SpokenLanguage
    max_num = 30
    form = TextForm
    section = LANGUAGES
    name_field = "language"
    fieldsets = (
        (None, {"fields": ["language", "voice"]}),
        (
            "Voice and speech recognition",
            {
                "fields": [
                    *("tts_model", "backup_voice", "transcription_provider"),
                    *("speech_model", "hints"),
                ],
                "classes": COLLAPSED,
            },
        ),
        ("Fixed sentences", {"fields": NAMES, "classes": COLLAPSED}),
    )
    verbose_name = "language"
    verbose_name_plural = "Further languages"


BOT_INLINES: list[type[BotInline]] = [LanguageInline, TargetInline, MenuKeyInline]
