"""Phone numbers as people paste them, and the form field that reads them."""

import re
from typing import Any

import phonenumbers
from django import forms

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


class PastedField(forms.CharField):
    """A field that accepts longer input than the model stores."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser take more than `max_length` characters."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class PastedNumberField(PastedField):
    """A phone number in any usual notation."""

    def to_python(self, value: Any) -> str:
        """Reduce the text to + and digits; the model refuses anything else."""
        return to_e164(super().to_python(value) or "")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Show how a number is written."""
        attrs = super().widget_attrs(widget)
        return {**attrs, "inputmode": "tel", "placeholder": "+14155550100"}
