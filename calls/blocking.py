"""Patterns of blocked callers: parsing them, and matching them with a call."""

import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from bots.phone_numbers.caller_id import (
    ANONYMOUS,
    E164,
    Address,
    canonical,
    is_hidden,
    number_in,
)
from bots.phone_numbers.e164 import to_e164

PATTERN_LENGTH = 120
NOTE_LENGTH = 200
PREFIX = re.compile(r"\+[1-9][0-9]{0,13}\*")
ADDRESS = re.compile(r"(sips?|client|whatsapp|tel):[^\s*]+")
NOT_UNDERSTOOD = (
    "Write a number with + and country code (+14155550100), its beginning and a star "
    "(+1900*), sip:… or client:…, or “anonymous” for all hidden numbers."
)


@dataclass(frozen=True, slots=True)
class PastedLine:
    """One line of a pasted list; `problem` says why it cannot be used."""

    text: str
    pattern: str = ""
    note: str = ""
    problem: str = ""


def pattern_of(text: str) -> str:
    """The pattern that a typed text stands for; raises ValidationError."""
    typed = text.strip().lower()
    is_named = any(map(str.isalnum, Address.parse(typed).user))
    if is_named and "*" not in typed and is_hidden(typed):
        return ANONYMOUS
    if is_named and ADDRESS.fullmatch(typed) and len(typed) <= PATTERN_LENGTH:
        return canonical(typed)
    if typed.endswith("*"):  # the beginning of a number has no trunk zero to recognise
        number = f"{to_e164(typed[:-1].replace('(0)', ''))}*"
    else:
        number = number_in(typed) if ":" in typed else to_e164(typed)
        number = canonical(number) if number.startswith("+") else number
    if E164.fullmatch(number) or PREFIX.fullmatch(number):
        return number
    raise ValidationError(NOT_UNDERSTOOD)


def pattern_of_caller(number: str) -> str:
    """The pattern for the caller of a stored call; raises ValidationError."""
    try:
        return pattern_of(number)
    except ValidationError:
        if is_hidden(number) or "*" in number:  # matches many people
            raise
        return canonical(number)[:PATTERN_LENGTH]


def is_pattern(text: str) -> None:
    """Validator: reject a pattern that no caller can match."""
    if pattern_of(text) != text:
        raise ValidationError(NOT_UNDERSTOOD)


def patterns_for(number: str, called: str = "") -> set[str]:
    """All patterns that match a call from `number`."""
    if is_hidden(number):
        return {ANONYMOUS}
    caller = canonical(number, called)[:PATTERN_LENGTH]
    if not caller.startswith("+"):
        return {caller}
    return {caller, *(f"{caller[:length]}*" for length in range(2, len(caller) + 1))}


def lines(pasted: str) -> list[PastedLine]:
    """Parse a pasted list: one number a line, optionally a comma and a note."""
    return [_line(text) for text in map(str.strip, pasted.splitlines()) if text]


def _line(text: str) -> PastedLine:
    number, _, note = (re.sub(r"[,;\t]", ",", text, count=1)).partition(",")
    try:
        return PastedLine(
            text, pattern_of(number.strip("\"' ")), note.strip()[:NOTE_LENGTH]
        )
    except ValidationError:
        return PastedLine(text, problem=NOT_UNDERSTOOD)
