"""Masks phone numbers: enough is left to tell callers apart, not to call them. Pure."""

import re

from bots.phone_numbers.caller_id import E164, national_number

DOTS = "•••"
# Digits shown at either end at most, and hidden digits at least.
MAX_SHOWN = 4
MIN_HIDDEN = 3
# A number within a text, with what people write between the digits.
BETWEEN = r"[\s().\-/]{0,2}"
NUMBER = re.compile(rf"\+?\d(?:{BETWEEN}\d){{4,}}")
# SIP addresses and the like: the part before the @ names a person.
SCHEME = r"(?P<scheme>sips?|client|whatsapp|tel):"
ADDRESS = re.compile(rf"{SCHEME}[^@]*(?P<host>@\S*)?", re.IGNORECASE)
WITHIN = re.compile(
    rf"{SCHEME}[^@\s<>\"]*(?P<host>@[^\s<>\"]*)?|{NUMBER.pattern}", re.IGNORECASE
)
# The name before an address in angle brackets is the person's, too.
NAMED = re.compile(r"[^<>]*<([^<>]*)>[^<>]*")


def masked(number: str) -> str:
    """The number or address masked; texts like “anonymous” stay as they are."""
    named = NAMED.fullmatch(number)
    if address := ADDRESS.fullmatch((named[1] if named else number).strip()):
        return _mask_address(address)
    return WITHIN.sub(_mask, number)


def remove_numbers(text: str, number: str) -> str:
    """The text with every mention of this caller masked, however they are written."""
    if not number:
        return text
    if not E164.fullmatch(number):
        return re.sub(re.escape(number), masked(number), text, flags=re.IGNORECASE)
    whole, national = _spaced(number[1:]), _spaced(national_number(number))
    written = rf"(?:\+|(?:00|011){BETWEEN})?{whole}|0?{national}"
    return re.sub(rf"(?<!\d)(?:{written})(?!\d)", masked(number), text)


def _spaced(digits: str) -> str:
    return BETWEEN.join(digits)


def _mask(match: re.Match[str]) -> str:
    return _mask_address(match) if match["scheme"] else _mask_digits(match)


def _mask_address(match: re.Match[str]) -> str:
    return f"{match['scheme']}:{DOTS}{match['host'] or ''}"


def _mask_digits(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    shown = min(2 * MAX_SHOWN, max(len(digits) - MIN_HIDDEN, 0))
    tail = min(MAX_SHOWN, shown // 2)
    plus = "+" if match[0].startswith("+") else ""
    return f"{plus}{digits[: shown - tail]}{DOTS}{digits[len(digits) - tail :]}"
