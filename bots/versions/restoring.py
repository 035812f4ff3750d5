"""A version of a bot, number or tool is saved as the newest one."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from bots import catalogue
from bots.config.request_template import secrets_of
from bots.models import Bot, PhoneNumber, Secret, Tool
from bots.models.version_rows import Rows, record_rows, rows_of
from bots.site_settings.current import moment
from bots.versions.change import label_of
from bots.versions.history import (
    NUMBERS_CHANGED,
    Version,
    has_rows,
    record_change,
    tracked,
)
from bots.versions.numbers import numbers_of
from bots.versions.restored_numbers import NumbersBack
from bots.versions.restored_rows import replace_rows, without_deleted_tools

MAX_MESSAGE_LENGTH = 300
SAME = "All other settings are the same as now."


class NotRestorable(Exception):
    """A version that cannot be restored; each argument is a reason for the operator."""


def restore(version: Version, *, may_change_numbers: bool = True) -> list[str]:
    """Save the settings of a version as a new version.

    Returns notes for the operator on settings that could not be restored. Raises
    NotRestorable if none can.
    """
    try:
        with transaction.atomic():
            return _restore(version, may_change_numbers)
    except IntegrityError as error:
        raise NotRestorable(
            "Somebody else saved at the same time. Try again."
        ) from error


def _restore(version: Version, may_change_numbers: bool) -> list[str]:
    model = version.instance_type
    present = model._default_manager.select_for_update().filter(pk=version.id).first()
    restored = version.instance
    restored._state.adding = present is None
    notes = ADAPT[model](restored, present)
    rows, more = without_deleted_tools(version.rows if has_rows(version) else {})
    numbers = None
    if model is Bot and may_change_numbers:
        numbers = NumbersBack.of(restored, numbers_of(version))
    if _is_same(version, restored, present, rows) and not (numbers and numbers.free):
        return [*notes, *more, *_of_bot(restored, numbers), SAME]
    _save(version, restored, rows, numbers, is_new=present is None)
    if model is PhoneNumber:
        bots = {present.bot_id if present else None, restored.bot_id}
        record_change(bots if len(bots) > 1 else (), NUMBERS_CHANGED)
    return [*notes, *more, *_of_bot(restored, numbers)]


def _of_bot(restored: Any, numbers: NumbersBack | None) -> list[str]:
    unlisted = _unlisted(restored) if isinstance(restored, Bot) else []
    return [*(numbers.notes() if numbers else []), *unlisted]


def _is_same(version: Version, restored: Any, present: Any, rows: Rows) -> bool:
    if present is None:
        return False
    names = [field.attname for field in tracked(version)]
    same = all(getattr(restored, name) == getattr(present, name) for name in names)
    present_rows = rows_of(present) if rows else {}
    return same and all(present_rows[name] == rows[name] for name in rows)


def _save(
    version: Version,
    restored: Any,
    rows: Rows,
    numbers: NumbersBack | None,
    *,
    is_new: bool,
) -> None:
    date = moment(version.history_date)
    restored._change_reason = f"Restored the version of {date}"
    try:
        restored.full_clean()
        restored.save(force_insert=is_new)
        replace_rows(restored, rows)
    except ValidationError as error:
        raise NotRestorable(*_reasons(restored, error)) from error
    if numbers:
        numbers.assign(restored)
    if rows:
        record_rows(restored)


def _adapt_bot(bot: Bot, present: Bot | None) -> list[str]:
    """Change a name or a default that another bot has taken since."""
    notes = _adapt_name(bot, present)
    default = Bot.objects.exclude(pk=bot.pk).filter(is_default=True).first()
    if bot.is_default and default:
        bot.is_default = False
        notes.append(f"“{default}” stays the default bot.")
    elif present and present.is_default and not bot.is_default:
        bot.is_default = True
        notes.append("This bot stays the default bot.")
    return [*notes, *_remove_deleted_links(bot)]


def _adapt_name(thing: Bot | Tool, present: Any) -> list[str]:
    """Choose another name if the old one was given to something else since."""
    others = type(thing)._default_manager.exclude(pk=thing.pk)
    if not others.filter(name=thing.name).exists():
        return []
    taken = thing.name
    thing.name = present.name if present else _free_name(thing)
    kind = thing._meta.verbose_name
    return [f"Another {kind} is called “{taken}”. This one is called “{thing.name}”."]


def _free_name(thing: Bot | Tool) -> str:
    pattern, longest = ("{} ({})", 74) if isinstance(thing, Bot) else ("{}_{}", 54)
    name, count = thing.name[:longest], 2
    while (
        type(thing)._default_manager.filter(name=pattern.format(name, count)).exists()
    ):
        count += 1
    return pattern.format(name, count)


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
    """Use the default bot if the number's bot was deleted, and no other when closed."""
    notes = []
    if number.bot_id and not Bot.objects.filter(pk=number.bot_id).exists():
        number.bot = None
        notes.append("The bot of this number was deleted, so the default bot answers.")
    other = number.closed_bot_id
    if other and not Bot.objects.filter(pk=other).exists():
        number.closed_bot = None
        if number.when_closed == PhoneNumber.WhenClosed.BOT:
            number.when_closed = PhoneNumber.WhenClosed.MESSAGE
            notes.append("The bot for closed hours was deleted: callers hear a text.")
    return notes


def _adapt_tool(tool: Tool, present: Tool | None) -> list[str]:
    """Name the passwords and keys that the tool sends and that were deleted."""
    names = dict.fromkeys(secrets_of(tool.url, tool.headers))
    stored = set(Secret.objects.filter(name__in=names).values_list("name", flat=True))
    missing = [
        f"The password or key “{name}” was deleted. Add it again, or the tool fails."
        for name in names
        if name not in stored
    ]
    if present is None:
        missing.append("Choose it again on the pages of the bots that used it.")
    return [*_adapt_name(tool, present), *missing]


ADAPT: dict[type[Model], Callable[[Any, Any], list[str]]] = {
    Bot: _adapt_bot,
    PhoneNumber: _adapt_number,
    Tool: _adapt_tool,
}


def _unlisted(bot: Bot) -> list[str]:
    """Name voices and the AI model that Inworld had then and does not list now."""
    voices = {voice.id for voice in catalogue.voices()}
    models = {model.id for model in catalogue.models()}
    used = [bot.tts_voice, *bot.languages.values_list("voice", flat=True)]
    gone = [f"voice “{voice}”" for voice in dict.fromkeys(used) if voice not in voices]
    notes = gone if voices else []
    if models and bot.llm_model not in {"auto", *models}:
        notes.append(f"AI model “{bot.llm_model}”")
    return [
        f"Inworld does not list the {name} any more. Choose another." for name in notes
    ]


def _reasons(instance: Model, error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return [text[:MAX_MESSAGE_LENGTH] for text in error.messages]
    reasons = []
    for name, messages in error.message_dict.items():
        text = " ".join(messages)[:MAX_MESSAGE_LENGTH]
        if name != NON_FIELD_ERRORS:
            text = f"{label_of(instance._meta.get_field(name))}: {text}"
        reasons.append(text)
    return reasons
