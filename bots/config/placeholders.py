"""Placeholders such as {{caller_number}} or {{name|there}} in a bot's texts. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from bots.config.text import CONTROL

NAME = re.compile(r"[A-Za-z_][\w.-]*")
# The name and the default, which is used if the variable has no value.
PLACEHOLDER = re.compile(rf"\{{\{{\s*({NAME.pattern})\s*(?:\|([^{{}}]*))?\}}\}}")
# Text that looks like a placeholder but cannot be one. Braces around quotation marks
# are left alone: they may be JSON in a prompt.
MALFORMED = (
    r"\{\{[^{}\"\n]{0,80}\}(?:\}|[^{}\"\n]{0,80}\}\})?"
    r"|\{\{\s*[A-Za-z_][\w.-]*|\{%[^{}\n]{0,80}%\}"
)
EITHER = re.compile(f"{PLACEHOLDER.pattern}|{MALFORMED}")
# Variables that every call has.
BUILT_IN = {
    "caller_number": "the caller's number",
    "called_number": "the number that was dialled",
    "bot_name": "the bot's name",
    "now": "day, date and time in the bot's time zone when the call came in",
    "call_sid": "Twilio's id of the call",
}
# The prefix of secrets. No variable of a call may have it.
SECRET = "secret."  # noqa: S105
NAME_LENGTH = 80
VALUE_LENGTH = 500
MAX_VALUES = 60
# Levels of nested JSON that become variables, and the first items of each list.
MAX_DEPTH = 6
MAX_ITEMS = 20
# The name of a list that is the whole of an answer: {{items.0.name}}.
TOP_LIST = "items"

Values = Mapping[str, str]


def fill(text: str, values: Values, quote: Callable[[str], str] = str) -> str:
    """Replace every placeholder by its value, its default, or nothing.

    Malformed placeholders are removed: no caller should hear their braces.
    """

    def replacement(match: re.Match[str]) -> str:
        value, default = values.get(match[1] or "", ""), match[2] or ""
        return quote(value.strip() or default.strip())

    return EITHER.sub(replacement, text)


def malformed(text: str) -> str:
    """Return the first malformed placeholder; empty if there is none."""
    for match in EITHER.finditer(text):
        if match[1] is None:
            return match[0]
    return ""


def names(text: str) -> list[str]:
    """Return the names of a text's placeholders, in order, each once."""
    return list(dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(text)))


def unknown(text: str, variables: Iterable[str]) -> list[str]:
    """Return the names that have no value and no default, so nothing is spoken."""
    available = {*BUILT_IN, *variables}
    missing = (
        match[1]
        for match in PLACEHOLDER.finditer(text)
        if match[1] not in available and not (match[2] or "").strip()
    )
    return list(dict.fromkeys(missing))


def parse_declared(lines: str) -> dict[str, str]:
    """Parse variables as operators declare them: one a line, "name = example"."""
    pairs = (line.partition("=") for line in lines.splitlines())
    examples = {name.strip(): example.strip() for name, _, example in pairs}
    return {name: example for name, example in examples.items() if name}


def flatten(value: object) -> dict[str, str]:
    """Return JSON as variables: {"user": {"name": "Ann"}} gives user.name.

    The items of a list are numbered from 0: orders.0.state. A list of plain values is
    also a variable itself, its values with commas. Built-in variables cannot be
    overwritten.
    """
    pairs = _pairs(TOP_LIST if isinstance(value, list) else "", value, MAX_DEPTH)
    usable = [(name, text) for name, text in pairs if name not in BUILT_IN]
    # So that a long list leaves no other value out.
    return limited(dict(sorted(usable, key=lambda pair: _place_in_list(pair[0]))))


def limited(values: Mapping[str, str]) -> dict[str, str]:
    """Return as many variables as a call may have, each value on one line.

    Empty values and invalid names are left out.
    """
    lines = ((name, CONTROL.sub(" ", text).strip()) for name, text in values.items())
    usable = ((name, text) for name, text in lines if text and _is_name(name))
    return {name: text[:VALUE_LENGTH] for name, text in islice(usable, MAX_VALUES)}


def _is_name(name: str) -> bool:
    usable = len(name) <= NAME_LENGTH and not name.startswith(SECRET)
    return usable and bool(NAME.fullmatch(name))


def _place_in_list(name: str) -> int:
    parts = (part for part in name.split(".") if re.fullmatch("[0-9]{1,3}", part))
    return max(map(int, parts), default=-1)


def _pairs(name: str, value: object, levels: int) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if levels:
            for key, inner in value.items():
                yield from _pairs(f"{name}.{key}" if name else key, inner, levels - 1)
        case list() if levels:
            items = value[:MAX_ITEMS]
            texts = [_text(item) for item in items]
            if items and all(texts):
                yield name, ", ".join(texts)
            for number, inner in enumerate(items):
                yield from _pairs(f"{name}.{number}", inner, levels - 1)
        case _ if text := _text(value):
            yield name, text


def _text(value: object) -> str:
    """A plain value as text; empty for anything else."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if not math.isfinite(value):
            return ""
        case str() | int() | float():
            return str(value)
        case _:
            return ""
