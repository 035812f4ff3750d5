"""Placeholders such as {{caller_number}} or {{name|there}} of operators. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

NAME = re.compile(r"[A-Za-z_][\w.-]*")
# The name, and what stands in its place where nothing is known.
PLACEHOLDER = re.compile(rf"\{{\{{\s*({NAME.pattern})\s*(?:\|([^{{}}]*))?\}}\}}")
# What was meant for one and is none. What has quotation marks is left alone: it may be
# JSON in a prompt.
MISSPELT = (
    r"\{\{[^{}\"\n]{0,80}\}(?:\}|[^{}\"\n]{0,80}\}\})?"
    r"|\{\{\s*[A-Za-z_][\w.-]*|\{%[^{}\n]{0,80}%\}"
)
EITHER = re.compile(f"{PLACEHOLDER.pattern}|{MISSPELT}")
# What every call knows by itself.
BUILT_IN = {
    "caller_number": "the caller's number",
    "called_number": "the number that was dialled",
    "bot_name": "the bot's name",
    "now": "day, date and time in the bot's time zone when the call came in",
    "call_sid": "the carrier's id of the call",
}
# How placeholders of secrets begin; no value of a call may pass for one.
SECRET = "secret."  # noqa: S105
NAME_LENGTH = 80
VALUE_LENGTH = 500
MAX_VALUES = 60
# Of a lookup's JSON, in levels.
MAX_DEPTH = 6
# Signs that end a line, or that no text can hold.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")

Values = Mapping[str, str]


def fill(text: str, values: Values, quote: Callable[[str], str] = str) -> str:
    """The text with every placeholder replaced; what is not known is left out.

    So is a misspelt one: nobody wants to hear its braces.
    """

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1] or "", "").strip() or (found[2] or "").strip()
        return quote(known)

    return EITHER.sub(value, text)


def malformed(text: str) -> str:
    """The first placeholder that nothing can fill in as it is written; empty: none."""
    found = (match[0] for match in EITHER.finditer(text) if match[1] is None)
    return next(found, "")


def names(text: str) -> list[str]:
    """Every name a text mentions, in order, once."""
    return list(dict.fromkeys(found[1] for found in PLACEHOLDER.finditer(text)))


def unknown(text: str, known: Iterable[str]) -> list[str]:
    """Names that nothing can fill in and that have no default: mere silence."""
    given = {*BUILT_IN, *known}
    found = (
        match[1]
        for match in PLACEHOLDER.finditer(text)
        if match[1] not in given and not (match[2] or "").strip()
    )
    return list(dict.fromkeys(found))


def parse_declared(lines: str) -> dict[str, str]:
    """The names an operator lists, one a line, each with its example after =."""
    pairs = (line.partition("=") for line in lines.splitlines())
    found = {name.strip(): example.strip() for name, _, example in pairs}
    return {name: text for name, text in found.items() if name}


def flatten(value: object) -> dict[str, str]:
    """An answer's JSON as values: {"user": {"name": "Ann"}} gives user.name.

    What a call knows by itself is not for others to tell.
    """
    pairs = _pairs("", value, MAX_DEPTH)
    return limited({name: text for name, text in pairs if name not in BUILT_IN})


def limited(values: Mapping[str, str]) -> dict[str, str]:
    """As much of foreign values as a call takes, each on one line; an empty is none."""
    lines = ((name, CONTROL.sub(" ", text).strip()) for name, text in values.items())
    usable = ((name, text) for name, text in lines if text and _is_name(name))
    return {name: text[:VALUE_LENGTH] for name, text in islice(usable, MAX_VALUES)}


def _is_name(name: str) -> bool:
    usable = len(name) <= NAME_LENGTH and not name.startswith(SECRET)
    return usable and bool(NAME.fullmatch(name))


def _pairs(name: str, value: object, levels: int) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if levels:
            for key, inner in value.items():
                yield from _pairs(f"{name}.{key}" if name else key, inner, levels - 1)
        case bool():
            yield name, "yes" if value else "no"
        case str() | int() | float():
            yield name, str(value)
