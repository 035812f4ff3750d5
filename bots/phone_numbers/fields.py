"""The form field for phone numbers."""

from typing import Any

from django import forms

from bots.phone_numbers.e164 import to_e164


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
