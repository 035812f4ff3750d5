"""Numbers as lists show them: enough to tell callers apart, not to ring them. Pure."""

import re

DOTS = "•••"
# At most so many digits are shown at either end, and at least so many are not.
SHOWN = 4
HIDDEN = 3
# A number wherever it stands in a text, with what people write between the digits.
NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){4,}")
# Addresses of telephones on the internet: all before the @ names a person.
ADDRESS = re.compile(r"(?P<scheme>sips?|client|whatsapp):[^@\s]*(?P<host>@\S*)?", re.I)


def masked(number: str) -> str:
    """A caller as lists may show them; what names nobody ("anonymous") stays."""
    if address := ADDRESS.fullmatch(number.strip()):
        return f"{address['scheme']}:{DOTS}{address['host'] or ''}"
    return NUMBER.sub(_digits_hidden, number)


def remove_numbers(text: str, number: str) -> str:
    """A text in which every mention of this number is masked, however it is written."""
    digits = re.sub(r"\D", "", number)
    if number.startswith("+") and len(digits) > HIDDEN:
        written = r"[\s().\-/]{0,2}".join(digits)
        return re.sub(rf"\+?(?<!\d){written}(?!\d)", masked(number), text)
    return text.replace(number, masked(number)) if number else text


def _digits_hidden(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    shown = min(2 * SHOWN, max(len(digits) - HIDDEN, 0))
    tail = min(SHOWN, shown // 2)
    plus = "+" if found[0].startswith("+") else ""
    return f"{plus}{digits[: shown - tail]}{DOTS}{digits[len(digits) - tail :]}"
