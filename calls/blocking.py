"""Which callers are blocked: what is written in the list, and what a call matches."""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from bots.phone_numbers import to_e164

PATTERN_LENGTH = 120
NOTE_LENGTH = 200
# Stands for all callers who hide their number.
ANONYMOUS = "anonymous"
# What carriers send instead of a number; the digits spell ANONYMOUS, RESTRICTED,
# UNAVAILABLE, and two more on the keys of a phone.
WITHHELD = frozenset(
    (
        *("", ANONYMOUS, "restricted", "unavailable", "unknown", "private"),
        *("+266696687", "+7378742833", "+86282452253", "+2562533", "+8656696"),
    )
)
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
PREFIX = re.compile(r"\+[1-9][0-9]{0,13}\*")
ADDRESS = re.compile(r"(sips?|client|whatsapp):[^\s*]+")
USER = re.compile(r"sips?:(\+?[0-9]+)@")
NOT_UNDERSTOOD = (
    "Write a number with + and country code (+14155550100), its beginning and a star "
    "(+1900*), sip:… or client:…, or “anonymous” for all hidden numbers."
)


@dataclass(frozen=True, slots=True)
class PastedLine:
    """One line of a pasted list; `trouble` says why it is of no use."""

    text: str
    pattern: str = ""
    note: str = ""
    problem: str = ""


def is_withheld(number: str) -> bool:
    """Whether the caller hides who they are."""
    return number.strip().lower() in WITHHELD


def pattern_of(text: str) -> str:
    """What was typed, as it is kept; raises ValidationError."""
    typed = text.strip().lower()
    if typed in WITHHELD and typed:
        return ANONYMOUS
    if ADDRESS.fullmatch(typed) and len(typed) <= PATTERN_LENGTH:
        return typed
    if typed.endswith("*"):  # the beginning of a number has no trunk zero to recognise
        number = f"{to_e164(typed[:-1].replace('(0)', ''))}*"
    else:
        number = to_e164(typed)
    if NUMBER.fullmatch(number) or PREFIX.fullmatch(number):
        return number
    raise ValidationError(NOT_UNDERSTOOD)


def pattern_of_caller(number: str) -> str:
    """The same for one caller, as a carrier wrote them in a call that is kept."""
    try:
        return pattern_of(number)
    except ValidationError:
        if is_withheld(number) or "*" in number:  # many people's
            raise
        return number.strip().lower()[:PATTERN_LENGTH]


def is_pattern(text: str) -> None:
    """Refuse what no caller could ever match."""
    if pattern_of(text) != text:
        raise ValidationError(NOT_UNDERSTOOD)


def patterns_for(number: str) -> set[str]:
    """Every entry of the list that would stop a call from `number`."""
    if is_withheld(number):
        return {ANONYMOUS}
    caller = number.strip().lower()[:PATTERN_LENGTH]
    names = {caller}
    if user := USER.match(caller):
        names.add(f"+{user[1].lstrip('+')}")
    beginnings = {
        f"{name[:length]}*"
        for name in names
        if name.startswith("+")
        for length in range(2, len(name) + 1)
    }
    return names | beginnings


def lines(pasted: str) -> list[PastedLine]:
    """Read a pasted list: a number a line, then perhaps a comma and a note."""
    return [_line(text) for text in map(str.strip, pasted.splitlines()) if text]


def _line(text: str) -> PastedLine:
    number, _, note = (re.sub(r"[,;\t]", ",", text, count=1)).partition(",")
    try:
        return PastedLine(
            text, pattern_of(number.strip("\"' ")), note.strip()[:NOTE_LENGTH]
        )
    except ValidationError:
        return PastedLine(text, problem=NOT_UNDERSTOOD)
