"""The settings that a call ran with, labelled as on the bot's page, beside today's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import FieldDoesNotExist
from django.template.defaultfilters import pluralize

from bots.config.bot_config import LIST_FIELDS
from bots.config.capabilities import Language, MenuEntry, ToolSpec, TransferTarget
from bots.config_builder import config_of
from bots.models import Bot
from bots.phone_numbers.masking import masked
from bots.sandbox import demo_tool
from calls.models import Call

# The unit of a number, and the meaning of 0.
UNITS = {
    "idle_timeout_seconds": ("second", "waits for ever"),
    "max_call_minutes": ("minute", ""),
    "retention_days": ("day", "for good"),
}
# The bot page's names of the lists below its fields.
LABELS = {
    "tools": "tools",
    "targets": "people to transfer to",
    "menu": "keypad menu",
    "languages": "further languages",
}
EDITED = "(edited since)"  # in a part that is not shown


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as text; `now` is the bot's value today, None if unknown."""

    label: str
    value: str
    now: str | None = None

    @property
    def changed(self) -> bool:
        return self.now is not None and self.now != self.value


def settings_used(call: Call, *, hide: bool = False) -> Iterator[Setting]:
    """Every setting that the call ran with; with `hide`, phone numbers are masked."""
    bot = (
        Bot.objects.with_related().filter(pk=call.bot_id).first()
        if call.bot_id
        else None
    )
    today = config_of(bot).to_json() if bot else {}
    for name, value in call.settings.items():
        label = _label(name)
        if not label:  # a setting of an older or newer release
            yield Setting(name.replace("_", " "), _readable(value, {}))
            continue
        used, now = _text(name, value, hide=hide), None
        if name in today:
            now = _text(name, today[name], hide=hide)
            # The text of a tool or a person does not have all of their fields.
            if now == used and _parsed(name, value) != _parsed(name, today[name]):
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


def _text(name: str, value: Any, *, hide: bool) -> str:
    parsed = _parsed(name, value)
    if name in LIST_FIELDS:
        lines = [_summary(item, hide=hide) for item in parsed]
        return "\n".join(lines) or "-"
    if isinstance(parsed, ToolSpec):
        return _summary(parsed, hide=hide)
    if name == "transfer_number" and hide:
        value = masked(str(value))
    choices = dict(getattr(Bot._meta.get_field(name), "flatchoices", ()))
    return _counted(name, value) or _readable(value, choices)


def _parsed(name: str, value: Any) -> Any:
    """Stored tools, people, keys and languages as objects; None for other settings."""
    value = value if isinstance(value, list | tuple | dict) else []
    try:
        if name in LIST_FIELDS:
            return [_edited_by_people(LIST_FIELDS[name].of(item)) for item in value]
        if name == "lookup_tool" and value:
            return _edited_by_people(ToolSpec.of(value))
    except (TypeError, AttributeError):  # a damaged row
        return [str(value)]
    return None


def _edited_by_people(item: Any) -> Any:
    """The item without what a start of the server changes."""
    match item:
        case ToolSpec(url=url):
            return replace(item, url=demo_tool.without_port(url))
        case MenuEntry(tool=ToolSpec()):
            return replace(item, tool=_edited_by_people(item.tool))
    return item


def _summary(item: Any, *, hide: bool) -> str:
    """One tool, person, key or language in a line."""
    match item:
        case ToolSpec():
            return f"{item.name}: {item.method} {_host(item.url)}"
        case TransferTarget():
            number = masked(item.number) if hide else item.number
            name = f"{item.name}, {number}"
            return ", ".join(filter(None, [name, item.opening_hours, item.when_to_use]))
        case MenuEntry():
            return f"{item.key}: {_action(item)}"
        case Language():
            return f"{item.language}, voice {item.voice}"
    return str(item)


def _action(item: MenuEntry) -> str:
    """The action of a key."""
    text = item.message_or_target
    actions = {
        "say": f"says {text}",
        "transfer": f"transfers to {text or 'the first person available'}",
        "tool": f"uses {item.tool.name if item.tool else 'a tool'}",
        "end": "ends the call",
    }
    return actions.get(item.action, f"{item.action} {text}")


def _host(url: str) -> str:
    # The rest of the URL may have secrets in it.
    try:
        return urlsplit(url).hostname or "-"
    except ValueError:
        return "-"


def _counted(name: str, value: Any) -> str:
    """A number with its unit; empty if the setting has none."""
    unit, zero = UNITS.get(name, ("", ""))
    if not unit or not isinstance(value, int | float):
        return ""
    if zero and not value:
        return f"{value}: {zero}"
    return f"{value} {unit}{pluralize(value)}"


def _readable(value: Any, choices: Mapping[Any, Any]) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        value = "\n".join(str(item) for item in value)
    if value in ("", None):
        return "-"
    return str(choices.get(value, value)) if not isinstance(value, dict) else str(value)
