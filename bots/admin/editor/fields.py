"""Fields of the editor that its scripts show in another way."""

import json
from typing import Any

from django import forms

from bots.config.opening_hours import BadHours, week_of


class HoursInput(forms.TextInput):
    """Opening hours as text; hours.js shows a week of times instead."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the week, if the text can be read."""
        try:
            week = {"data-week": json.dumps(week_of(value or ""))}
        except BadHours:
            week = {}
        return super().get_context(name, value, {**(attrs or {}), **week})
