"""Phone numbers as people paste them, and the form field that reads them."""

import re
from typing import Any

from django import forms

# What people write between digits, and the invisible marks that come with a copy
# from a contact list: every kind of dash, and the signs for writing direction.
SEPARATORS = re.compile(
    r"[\s().\-/\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
TRUNK_ZERO = re.compile(r"(?<=\d)\s*\(0\)")  # as in +44 (0)20: not dialled from abroad


class PastedNumberField(forms.CharField):
    """A phone number, written any way people write them."""

    def to_python(self, value: Any) -> str:
        """Reduce what was pasted to + and digits; the model refuses the rest."""
        number = SEPARATORS.sub("", TRUNK_ZERO.sub("", super().to_python(value) or ""))
        return f"+{number[2:]}" if number.startswith("00") else number

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser take more than the bare number is long."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return {**attrs, "inputmode": "tel", "placeholder": "+14155550100"}
