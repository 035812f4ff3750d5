"""The settings a call ran with, in the bot page's words, beside those of today."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import FieldDoesNotExist

from bots.config.bot_config import LIST_FIELDS
from bots.config.capabilities import Language, MenuEntry, ToolSpec, TransferTarget
from bots.config_builder import config_of
from bots.models import Bot
from calls.models import Call
from calls.review.masking import masked

# What a number counts, and what 0 stands for.
UNITS = {
    "idle_timeout_seconds": ("second", "waits for ever"),
    "max_call_minutes": ("minute", ""),
    "retention_days": ("day", "for good"),
}
# What the bot's page calls the lists below its fields.
LABELS = {
    "tools": "tools",
    "targets": "people",
    "menu": "keypad menu",
    "languages": "further languages",
}
EDITED = "(edited since)"  # in what is not shown


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in words; `now` is what the bot has today, None where nobody knows."""

    label: str
    value: str
    now: str | None = None

    @property
    def changed(self) -> bool:
        """Whether the bot was edited since."""
        return self.now is not None and self.now != self.value


def settings_used(call: Call, *, hide: bool = False) -> Iterator[Setting]:
    """Every setting the call ran with; with `hide` people's numbers are masked."""
    bot = (
        Bot.objects.with_related().filter(pk=call.bot_id).first()
        if call.bot_id
        else None
    )
    present = config_of(bot).to_json() if bot else {}
    for name, value in call.settings.items():
        label = _label(name)
        if not label:  # a setting of an older or newer release
            yield Setting(name.replace("_", " "), _readable(value, {}))
            continue
        used, now = _told(name, value, hide=hide), None
        if name in present:
            now = _told(name, present[name], hide=hide)
            # What is said of a tool or a person is not everything about them.
            if now == used and _read(name, value) != _read(name, present[name]):
                now = f"{now} {EDITED}"
        yield Setting(label, used, now)


def _label(name: str) -> str:
    if name in LABELS:
        return LABELS[name]
    try:
        label = str(getattr(Bot._meta.get_field(name), "verbose_name", ""))
        # A counted value has its unit beside it.
        return label.partition(" (")[0] if name in UNITS else label
    except FieldDoesNotExist:
        return ""


def _told(name: str, value: Any, *, hide: bool) -> str:
    """A value in words."""
    read = _read(name, value)
    if name in LIST_FIELDS:
        said = [_said(each, hide=hide) for each in read]
        return "\n".join(said) or "-"
    if isinstance(read, ToolSpec):
        return _said(read, hide=hide)
    if name == "transfer_number" and hide:
        value = masked(str(value))
    choices = dict(getattr(Bot._meta.get_field(name), "flatchoices", ()))
    return _counted(name, value) or _readable(value, choices)


def _read(name: str, value: Any) -> Any:
    """What is kept of tools, people, keys and languages, as what it was."""
    value = value if isinstance(value, list | tuple | dict) else []
    try:
        if name in LIST_FIELDS:
            return [LIST_FIELDS[name].of(each) for each in value]
        if name == "lookup_tool" and value:
            return ToolSpec.of(value)
    except (TypeError, AttributeError):  # a damaged row
        return [str(value)]
    return None


def _said(kept: Any, *, hide: bool) -> str:
    """One tool, person, key or language."""
    match kept:
        case ToolSpec():
            return f"{kept.name}: {kept.method} {_host(kept.url)}"
        case TransferTarget():
            number = masked(kept.number) if hide else kept.number
            told = f"{kept.name}, {number}"
            return ", ".join(filter(None, [told, kept.opening_hours, kept.when_to_use]))
        case MenuEntry():
            return f"{kept.key}: {_action(kept)}"
        case Language():
            return f"{kept.language}, voice {kept.voice}"
    return str(kept)


def _action(kept: MenuEntry) -> str:
    """What a key does."""
    match kept.action:
        case "say":
            return f"says {kept.message_or_target}"
        case "transfer":
            return (
                f"puts through to {kept.message_or_target or 'the first who is there'}"
            )
        case "tool":
            return f"uses {kept.tool.name if kept.tool else 'a tool'}"
        case "end":
            return "ends the call"
    return f"{kept.action} {kept.message_or_target}"


def _host(url: str) -> str:
    # The rest may hold what is nobody's business.
    try:
        return urlsplit(url).hostname or "-"
    except ValueError:
        return "-"


def _counted(name: str, value: Any) -> str:
    """A number with what it counts; nothing where it counts nothing."""
    unit, none = UNITS.get(name, ("", ""))
    if not unit or not isinstance(value, int | float):
        return ""
    s = "" if value == 1 else "s"
    return f"{value}: {none}" if none and not value else f"{value} {unit}{s}"


def _readable(value: Any, choices: Mapping[Any, Any]) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        value = "\n".join(str(item) for item in value)
    if value in ("", None):
        return "-"
    return str(choices.get(value, value)) if not isinstance(value, dict) else str(value)
