"""Versions of bots and phone numbers: list, compare and restore."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.utils.text import capfirst
from django.utils.timezone import localtime

from bots.models import Bot, PhoneNumber, Secret, Tool
from bots.models.bot_actions import BotActions
from bots.models.bot_turn_taking import BotTurnTaking
from bots.phone_numbers.masking import masked
from bots.versions.text_diff import Part, compare, unified

MAX_INLINE_LENGTH = 60  # characters of a value that is shown on one line
MAX_MESSAGE_LENGTH = 300
SERVER = "the server"
# The one setting with the number of a person.
TRANSFER_FIELD = "transfer_number"
FIRST_VERSION = "First recorded version"

INHERITED = {
    field.name
    for base in (BotTurnTaking, BotActions)
    for field in base._meta.local_fields
}

# A row of a history table. simple_history creates the classes, so they have no types.
Version = Any


class NotRestorable(Exception):
    """A version that cannot be restored; each argument is a reason for the operator."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting before and after, as text."""

    label: str
    old: str
    new: str

    @property
    def is_short(self) -> bool:
        """True if both values fit on one line."""
        return all(
            len(text) <= MAX_INLINE_LENGTH and "\n" not in text
            for text in (self.old, self.new)
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """The words that were removed and added."""
        return compare(self.old, self.new)

    @property
    def word_counts(self) -> tuple[int, int]:
        """The number of words before and after."""
        return len(self.old.split()), len(self.new.split())


def versions(model: type[Model], pk: int) -> "QuerySet[Any]":
    """All versions of one bot or number, latest first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    related = [field.name for field in _tracked(history.model) if _is_link(field)]
    rows = history.filter(id=pk).select_related("history_user", *related)
    ordered: QuerySet[Any] = rows.order_by("-history_id")
    return ordered


def previous(version: Version) -> Version | None:
    """The version before this one."""
    earlier = versions(version.instance_type, version.id)
    return earlier.filter(history_id__lt=version.history_id).first()


def author(version: Version) -> str:
    """The name of the user who saved the version, or the server."""
    user = version.history_user
    return (user.get_full_name() or user.get_username()) if user else SERVER


def changes(old: Version, new: Version, *, hide: bool = False) -> list[Change]:
    """The settings that differ between two versions; `hide` masks phone numbers."""
    changed = new.diff_against(old).changed_fields
    fields = [field for field in _tracked(new) if field.name in changed]
    return [
        Change(_label(field), before, after)
        for field in fields
        if (before := _text(old, field, hide=hide))
        != (after := _text(new, field, hide=hide))
    ]


def settings(version: Version, *, hide: bool = False) -> list[tuple[str, str]]:
    """All settings of a version, as labels and texts; `hide` masks phone numbers."""
    fields = _tracked(version)[1:]
    return [(_label(field), _text(version, field, hide=hide)) for field in fields]


def deleted(model: type[Model], limit: int = 200) -> list[Version]:
    """The last version of each deleted object, latest deletion first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    present = model._default_manager.values("pk")
    rows = history.filter(history_type="-").exclude(id__in=present)
    latest: dict[int, Version] = {}
    for row in rows.select_related("history_user").order_by("-history_id")[:limit]:
        latest.setdefault(row.id, row)
    return list(latest.values())


def first_version() -> None:
    """Create a first version for bots and numbers without any."""
    for model in (Bot, PhoneNumber):
        history: Any = model.history
        unrecorded = model._default_manager.exclude(pk__in=history.values("id"))
        history.bulk_history_create(
            unrecorded, batch_size=100, default_change_reason=FIRST_VERSION
        )


def restore(version: Version) -> list[str]:
    """Save the settings of a version as a new version.

    Returns notes for the operator on settings that could not be restored. Raises
    NotRestorable if none can.
    """
    try:
        with transaction.atomic():
            return _restore(version)
    except IntegrityError as error:
        raise NotRestorable(
            "Somebody else saved at the same time. Try again."
        ) from error


def _restore(version: Version) -> list[str]:
    model = version.instance_type
    present = model._default_manager.select_for_update().filter(pk=version.id).first()
    restored = version.instance
    restored._state.adding = present is None
    notes = ADAPT[model](restored, present)
    names = [field.attname for field in _tracked(version)]
    if present and all(getattr(restored, n) == getattr(present, n) for n in names):
        return [*notes, "All other settings are the same as now."]
    _validate(restored)
    date = localtime(version.history_date)
    restored._change_reason = f"Restored the version of {date:%d %b %Y, %H:%M}"
    restored.save(force_insert=present is None)
    if model is Bot and present is None:
        notes += _reassign_numbers(restored)
    return notes


def _adapt_bot(bot: Bot, present: Bot | None) -> list[str]:
    """Change a name or a default that another bot has taken since."""
    others = Bot.objects.exclude(pk=bot.pk)
    notes = []
    if others.filter(name=bot.name).exists():
        taken, bot.name = bot.name, present.name if present else _free_name(bot.name)
        notes.append(
            f"Another bot is called “{taken}”. This one is called “{bot.name}”."
        )
    default = others.filter(is_default=True).first()
    if bot.is_default and default:
        bot.is_default = False
        notes.append(f"“{default}” stays the default bot.")
    elif present and present.is_default and not bot.is_default:
        bot.is_default = True
        notes.append("This bot stays the default bot.")
    return [*notes, *_remove_deleted_links(bot)]


def _remove_deleted_links(bot: Bot) -> list[str]:
    """Empty the lookup and the webhook if their tool or key was deleted."""
    notes = []
    if bot.lookup_tool_id and not Tool.objects.filter(pk=bot.lookup_tool_id).exists():
        bot.lookup_tool = None
        notes.append("The tool of the lookup was deleted, so the bot has no lookup.")
    secret = bot.webhook_secret_id
    if secret and not Secret.objects.filter(pk=secret).exists():
        bot.webhook_secret, bot.webhook_url = None, ""
        notes.append("The key of the webhook was deleted, so the bot has no webhook.")
    return notes


def _adapt_number(number: PhoneNumber, present: PhoneNumber | None) -> list[str]:
    """Use the default bot if the number's bot was deleted."""
    if not number.bot_id or Bot.objects.filter(pk=number.bot_id).exists():
        return []
    number.bot = None
    return ["The bot of this number was deleted, so the default bot answers."]


ADAPT: dict[type[Model], Callable[[Any, Any], list[str]]] = {
    Bot: _adapt_bot,
    PhoneNumber: _adapt_number,
}


def _free_name(name: str) -> str:
    count = 2
    while Bot.objects.filter(name=f"{name[:74]} ({count})").exists():
        count += 1
    return f"{name[:74]} ({count})"


def _reassign_numbers(bot: Bot) -> list[str]:
    """Give the bot its numbers back, except those that were changed since."""
    former = PhoneNumber.history.filter(bot_id=bot.pk).values("id")
    reassigned = []
    for number in PhoneNumber.objects.filter(bot=None, pk__in=former):
        if number.history.latest().bot_id == bot.pk:
            number.bot = bot
            number._change_reason = "Its bot was restored"  # type: ignore[attr-defined]
            number.save()
            reassigned.append(number.number)
    if not reassigned:
        return []
    return [f"The bot answers {', '.join(reassigned)} again."]


def _validate(restored: Model) -> None:
    try:
        restored.full_clean()
    except ValidationError as error:
        raise NotRestorable(*_reasons(restored, error)) from error


def _reasons(instance: Model, error: ValidationError) -> list[str]:
    reasons = []
    for name, messages in error.message_dict.items():
        text = " ".join(messages)[:MAX_MESSAGE_LENGTH]
        if name != NON_FIELD_ERRORS:
            text = f"{_label(instance._meta.get_field(name))}: {text}"
        reasons.append(text)
    return reasons


def _tracked(version: Version) -> "list[Field[Any, Any]]":
    """The recorded fields, a bot's own before those of its abstract bases.

    Django puts inherited fields first, which is not the order of the editor.
    """
    fields: list[Field[Any, Any]] = version.tracked_fields
    return sorted(fields, key=lambda field: field.name in INHERITED)


def _is_link(field: "Field[Any, Any]") -> bool:
    return isinstance(field, ForeignKey)


def _label(field: Any) -> str:
    return str(capfirst(field.verbose_name))


def _text(version: Version, field: "Field[Any, Any]", *, hide: bool) -> str:
    """A value as the editor shows it; empty if there is none."""
    value = getattr(version, field.attname)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hide and field.name == TRANSFER_FIELD:
        return masked(value)
    if _is_link(field):
        noun = field.related_model._meta.verbose_name  # type: ignore[union-attr]
        return str(getattr(version, field.name) or f"a deleted {noun}")
    return unified(str(dict(field.flatchoices).get(value, value)))
