"""Masks phone numbers: enough is left to tell callers apart, not to call them. Pure."""

import re

DOTS = "•••"
# Digits shown at either end at most, and hidden digits at least.
MAX_SHOWN = 4
MIN_HIDDEN = 3
# A number within a text, with what people write between the digits.
NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){4,}")
# SIP addresses and the like: the part before the @ names a person.
ADDRESS = re.compile(r"(?P<scheme>sips?|client|whatsapp):[^@\s]*(?P<host>@\S*)?", re.I)


def masked(number: str) -> str:
    """The number or address masked; texts like “anonymous” stay as they are."""
    if address := ADDRESS.fullmatch(number.strip()):
        return f"{address['scheme']}:{DOTS}{address['host'] or ''}"
    return NUMBER.sub(_mask_digits, number)


def remove_numbers(text: str, number: str) -> str:
    """The text with every mention of this number masked, however it is written."""
    digits = re.sub(r"\D", "", number)
    if number.startswith("+") and len(digits) > MIN_HIDDEN:
        spaced = r"[\s().\-/]{0,2}".join(digits)
        return re.sub(rf"\+?(?<!\d){spaced}(?!\d)", masked(number), text)
    return text.replace(number, masked(number)) if number else text


def _mask_digits(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    shown = min(2 * MAX_SHOWN, max(len(digits) - MIN_HIDDEN, 0))
    tail = min(MAX_SHOWN, shown // 2)
    plus = "+" if match[0].startswith("+") else ""
    return f"{plus}{digits[: shown - tail]}{DOTS}{digits[len(digits) - tail :]}"
