"""Phone numbers as people paste them. Pure."""

import re

import phonenumbers

PLAIN = re.compile(r"\+[0-9]+")


def to_e164(text: str) -> str:
    """Reduce a pasted number to + and digits, for validators.e164 to check.

    Understands the usual separators, 00 for +, and a trunk zero as in +44 (0)20. Text
    with letters, * or # is returned as it is: in a number they are mistakes. So is a
    number without separators: an odd caller's number has to match its later calls.
    """
    text = text.strip()
    if PLAIN.fullmatch(text) or any(sign.isalpha() or sign in "*#" for sign in text):
        return text
    number = phonenumbers.normalize_diallable_chars_only(text)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:  # no country code, or an unknown one
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
