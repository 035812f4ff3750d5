"""Placeholders such as {{caller_number}} or {{name|there}} in a bot's texts. Pure.

`bots.config.foreign_placeholders` recognises those of other products.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from bots.config.foreign_placeholders import (
    FILTER,
    NAME,
    SPELLING,
    TOP_LIST,
    foreign_end,
    meaning,
    our_spelling,
    unquoted,
)
from bots.config.text import CONTROL, as_spoken, one_line

# The name and the default, which is used if the variable has no value.
PLACEHOLDER = re.compile(
    rf"\{{\{{\s*({NAME.pattern})\s*(?:\|(?!{FILTER.pattern})([^{{}}|]*))?\}}\}}"
)
# The beginning of a placeholder, or a brace of other text.
BRACES = re.compile(r"[{}]|\uff5b\uff5b")
CLOSING = re.compile(r"\}+")
MAX_QUOTE_LENGTH = 60
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

Values = Mapping[str, str]


def fill(text: str, values: Values, quote: Callable[[str], str] = as_spoken) -> str:
    """Replace every placeholder by its value, its default, or nothing.

    Values come from callers and other servers: the model must not take them for
    instructions, so they are cleaned as the caller's words are.
    So is one in the syntax of another product, as far as it can be understood: no
    caller should hear its braces, nor those of a value.
    """
    parts, end = [], 0
    for start, after, ours in _placeholders(text):
        name, default = _parts(ours) if ours else meaning(text[start:after])
        value = _without_placeholders(values.get(name, "")).strip()
        parts += [text[end:start], quote(value).strip() or quote(default)]
        end = after
    return "".join([*parts, text[end:]])


def with_value(text: str, name: str, value: str) -> str:
    """Fill in one placeholder by a value or its default, and leave the others."""
    return PLACEHOLDER.sub(
        lambda match: (
            (value or (match[2] or "").strip()) if match[1] == name else match[0]
        ),
        text,
    )


def problem(text: str) -> str:
    """Say how to write the first placeholder that cannot be filled in, if one cannot.

    Every pair of braces counts that is not a placeholder of ours.
    """
    for start, end, ours in _placeholders(text):
        if not ours:
            quoted = one_line(text[start:end], MAX_QUOTE_LENGTH)
            ending = our_spelling(text[start:end]) or SPELLING
            return f"“{quoted}” cannot be filled in. {ending}"
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
    also a variable itself, its values with commas. A space in a name becomes _.
    Built-in variables cannot be overwritten.
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


def _placeholders(text: str) -> Iterator[tuple[int, int, re.Match[str] | None]]:
    """Yield where placeholders begin and end; the match is None for a foreign one."""
    depth = at = 0  # braces of other text, such as JSON, that are open
    while brace := BRACES.search(text, at):
        start, behind = brace.start(), at
        ours = PLACEHOLDER.match(text, start)
        at = ours.end() if ours else foreign_end(text, start)
        if at == start and depth == 0 and (stray := CLOSING.match(text, start)):
            # One brace is a mistake only behind a placeholder.
            is_stray = len(stray[0]) > 1 or 0 < start == behind
            at = stray.end() if is_stray else start
        if at > start:
            yield start, at, ours
        else:
            at, depth = start + 1, max(depth + (1 if text[start] == "{" else -1), 0)


def _parts(ours: re.Match[str]) -> tuple[str, str]:
    return ours[1], unquoted((ours[2] or "").strip())


def _without_placeholders(value: str) -> str:
    return fill(value, {}) if BRACES.search(value) else value


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
                part = "_".join(key.split())
                yield from _pairs(f"{name}.{part}" if name else part, inner, levels - 1)
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
