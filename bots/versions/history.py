"""Earlier versions of bots and numbers: what changed, and how one comes back."""

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
from bots.versions.text_diff import Part, compare, unified

INLINE_LENGTH = 60  # characters of a value that is shown within a line
MESSAGE_LENGTH = 300
SERVER = "the server"
FIRST_KNOWN = "As it was when changes began to be recorded"

INHERITED = {
    field.name
    for base in (BotTurnTaking, BotActions)
    for field in base._meta.local_fields
}

# A row of a history table; simple_history makes the classes, so they have no types.
Version = Any


class NotRestorable(Exception):
    """A version that cannot be the present one; each argument is a reason in words."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting before and after, in words."""

    label: str
    old: str
    new: str

    @property
    def is_short(self) -> bool:
        """Whether both values fit within a line."""
        return all(
            len(text) <= INLINE_LENGTH and "\n" not in text
            for text in (self.old, self.new)
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """The difference word by word."""
        return compare(self.old, self.new)

    @property
    def words(self) -> tuple[int, int]:
        """How many words there were, and how many there are."""
        return len(self.old.split()), len(self.new.split())


def versions(model: type[Model], pk: int) -> "QuerySet[Any]":
    """Every version of one bot or number, the latest first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    related = [field.name for field in _tracked(history.model) if _is_link(field)]
    found = history.filter(id=pk).select_related("history_user", *related)
    ordered: QuerySet[Any] = found.order_by("-history_id")
    return ordered


def before(version: Version) -> Version | None:
    """The version that this one replaced."""
    earlier = versions(version.instance_type, version.id)
    return earlier.filter(history_id__lt=version.history_id).first()


def author(version: Version) -> str:
    """Who made it: a name, or the server itself."""
    user = version.history_user
    return (user.get_full_name() or user.get_username()) if user else SERVER


def changes(old: Version, new: Version) -> list[Change]:
    """What differs between two versions, in the order of the editor."""
    changed = new.diff_against(old).changed_fields
    fields = [field for field in _tracked(new) if field.name in changed]
    return [
        Change(_label(field), before, after)
        for field in fields
        if (before := _said(old, field)) != (after := _said(new, field))
    ]


def settings(version: Version) -> list[tuple[str, str]]:
    """Everything a version says, as labels and values in words."""
    return [(_label(field), _said(version, field)) for field in _tracked(version)[1:]]


def deleted(model: type[Model], limit: int = 200) -> list[Version]:
    """The last version of everything that is gone, the latest loss first."""
    history: Any = model._meta.model.history  # type: ignore[attr-defined]
    present = model._default_manager.values("pk")
    losses = history.filter(history_type="-").exclude(id__in=present)
    latest: dict[int, Version] = {}
    for loss in losses.select_related("history_user").order_by("-history_id")[:limit]:
        latest.setdefault(loss.id, loss)
    return list(latest.values())


def first_version() -> None:
    """Record as a first version what was made before changes were recorded."""
    for model in (Bot, PhoneNumber):
        history: Any = model.history
        unknown = model._default_manager.exclude(pk__in=history.values("id"))
        history.bulk_history_create(
            unknown, batch_size=100, default_change_reason=FIRST_KNOWN
        )


def restore(version: Version) -> list[str]:
    """Make a version the present one, as a new version; what was left out, in words.

    Raises NotRestorable where the present does not allow it.
    """
    try:
        with transaction.atomic():
            return _restore(version)
    except IntegrityError as error:
        raise NotRestorable(
            "Somebody else saved at the same moment. Try again."
        ) from error


def _restore(version: Version) -> list[str]:
    model = version.instance_type
    present = model._default_manager.select_for_update().filter(pk=version.id).first()
    restored = version.instance
    restored._state.adding = present is None
    notes = FITTED[model](restored, present)
    if present and all(_same(restored, present, field) for field in _tracked(version)):
        return [*notes, "Nothing else differs from how it is now."]
    _validate(restored)
    moment = localtime(version.history_date)
    restored._change_reason = f"Restored the version of {moment:%d %b %Y, %H:%M}"
    restored.save(force_insert=present is None)
    if model is Bot and present is None:
        notes += _reassign_numbers(restored)
    return notes


def _adapt_bot(bot: Bot, present: Bot | None) -> list[str]:
    """Settle what only one bot can have: its name, and being the default."""
    others = Bot.objects.exclude(pk=bot.pk)
    notes = []
    if others.filter(name=bot.name).exists():
        taken, bot.name = bot.name, present.name if present else _free_name(bot.name)
        notes.append(f"Another bot is called “{taken}”; this one is “{bot.name}”.")
    default = others.filter(is_default=True).first()
    if bot.is_default and default:
        bot.is_default = False
        notes.append(f"“{default}” stays the default bot.")
    elif present and present.is_default and not bot.is_default:
        bot.is_default = True
        notes.append("It stays the default bot.")
    return [*notes, *_without_what_is_gone(bot)]


def _without_what_is_gone(bot: Bot) -> list[str]:
    """Do without a tool or a secret that is gone."""
    notes = []
    if bot.lookup_tool_id and not Tool.objects.filter(pk=bot.lookup_tool_id).exists():
        bot.lookup_tool = None
        notes.append("The tool of its lookup is gone, so nothing is looked up.")
    secret = bot.webhook_secret_id
    if secret and not Secret.objects.filter(pk=secret).exists():
        bot.webhook_secret, bot.webhook_url = None, ""
        notes.append("The secret of its webhook is gone, and so is the webhook.")
    return notes


def _fit_number(number: PhoneNumber, present: PhoneNumber | None) -> list[str]:
    """Do without a bot that is gone."""
    if not number.bot_id or Bot.objects.filter(pk=number.bot_id).exists():
        return []
    number.bot = None
    return ["Its bot is gone, so the default bot answers."]


FITTED: dict[type[Model], Callable[[Any, Any], list[str]]] = {
    Bot: _adapt_bot,
    PhoneNumber: _fit_number,
}


def _free_name(name: str) -> str:
    count = 2
    while Bot.objects.filter(name=f"{name[:74]} ({count})").exists():
        count += 1
    return f"{name[:74]} ({count})"


def _reassign_numbers(bot: Bot) -> list[str]:
    """Let the numbers that lost this bot lead to it again, unless they were changed."""
    led_here = PhoneNumber.history.filter(bot_id=bot.pk).values("id")
    given = []
    for number in PhoneNumber.objects.filter(bot=None, pk__in=led_here):
        if number.history.latest().bot_id == bot.pk:
            number.bot = bot
            number._change_reason = "Its bot was restored"  # type: ignore[attr-defined]
            number.save()
            given.append(number.number)
    return [f"It answers {', '.join(given)} again."] if given else []


def _validate(restored: Model) -> None:
    try:
        restored.full_clean()
    except ValidationError as error:
        raise NotRestorable(*_reasons(restored, error)) from error


def _reasons(instance: Model, error: ValidationError) -> list[str]:
    reasons = []
    for name, messages in error.message_dict.items():
        said = " ".join(messages)[:MESSAGE_LENGTH]
        if name == NON_FIELD_ERRORS:
            reasons.append(said)
        else:
            reasons.append(f"{_label(instance._meta.get_field(name))}: {said}")
    return reasons


def _tracked(version: Version) -> "list[Field[Any, Any]]":
    """The recorded fields, a bot's own before those of its abstract bases.

    Django puts inherited fields first, which is not the order of the editor.
    """
    fields: list[Field[Any, Any]] = version.tracked_fields
    return sorted(fields, key=lambda field: field.name in INHERITED)


def _is_link(field: "Field[Any, Any]") -> bool:
    return isinstance(field, ForeignKey)


def _same(one: Model, other: Model, field: "Field[Any, Any]") -> bool:
    return bool(getattr(one, field.attname) == getattr(other, field.attname))


def _label(field: Any) -> str:
    return str(capfirst(field.verbose_name))


def _said(version: Version, field: "Field[Any, Any]") -> str:
    """A value as the editor would say it; empty where there is none."""
    value = getattr(version, field.attname)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_link(field):
        kind = field.related_model._meta.verbose_name  # type: ignore[union-attr]
        return str(getattr(version, field.name) or f"a deleted {kind}")
    return unified(str(dict(field.flatchoices).get(value, value)))
