"""Fields of the editor that its scripts show in another way."""

import json
from typing import Any

from django import forms

from bots.config.opening_hours import BadHours, week_of
from bots.opening.special_days import BadDays, SpecialDay, parse_special_days


class HoursInput(forms.TextInput):
    """Opening hours as text; hours.js shows a week of times instead."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the week, if the text can be read."""
        try:
            week = {"data-week": json.dumps(week_of(value or ""))}
        except BadHours:
            week = {}
        return super().get_context(name, value, {**(attrs or {}), **week})


class DaysInput(forms.Textarea):
    """Days of one's own as text; days.js shows rows instead."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Add the days, if the text can be read."""
        try:
            days = {"data-days": json.dumps(day_rows(value or ""))}
        except BadDays:
            days = {}
        return super().get_context(name, value, {**(attrs or {}), **days})


def day_rows(text: str) -> list[dict[str, Any]]:
    """The days of a text as their rows show them. Raises `BadDays`."""
    return [_row(day) for day in parse_special_days(text)]


def _row(day: SpecialDay) -> dict[str, Any]:
    return {
        "first": day.first.isoformat(),
        "last": "" if day.last == day.first else day.last.isoformat(),
        "isYearly": day.is_yearly,
        "spans": day.spans,
        "name": day.name,
    }
