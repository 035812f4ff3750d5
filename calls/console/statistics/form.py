"""The choices of the statistics: days, bot and number."""

from datetime import date
from typing import Any

from django import forms
from django.utils.timezone import localdate

from bots.access.scope import visible
from bots.models import Bot, PhoneNumber
from calls.console.statistics.date_range import (
    FIRST_DAY,
    OWN,
    PRESETS,
    WEEK,
    DateRange,
    preset_range,
)

TOO_EARLY = f"Choose a day after {FIRST_DAY.year - 1}."


class _DayInput(forms.DateInput):
    input_type = "date"


class _DayField(forms.DateField):
    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=_DayInput(format="%Y-%m-%d", attrs={"min": FIRST_DAY.isoformat()}),
            error_messages={"invalid": "This is no day: write it like 2026-11-30."},
        )


class StatisticsForm(forms.Form):
    """Reads the address of the page. Every choice has a default."""

    period = forms.ChoiceField(
        choices=PRESETS,
        required=False,
        error_messages={"invalid_choice": "There is no such period."},
    )
    first = _DayField("From")
    last = _DayField("To")
    bot = forms.ModelChoiceField(
        Bot.objects.only("name").order_by("name"),
        required=False,
        empty_label="All bots",
        error_messages={"invalid_choice": "There is no such bot."},
    )
    number = forms.ChoiceField(
        required=False, error_messages={"invalid_choice": "There is no such number."}
    )

    def __init__(self, user: Any, data: Any) -> None:
        super().__init__(data)
        self.today = localdate()
        bots: Any = self.fields["bot"]
        bots.queryset = visible(bots.queryset, user)
        ours = PhoneNumber.objects.order_by("number").values_list("number", "label")
        numbers = list(visible(ours, user))
        # Our own numbers are never masked, but their labels are for some users only.
        self.labels = dict.fromkeys((number for number, _ in ours), "") | dict(numbers)
        choices = [(number, f"{number} {label}".strip()) for number, label in numbers]
        self.number_field.choices = [("", "All numbers"), *choices]
        for name in ("first", "last"):
            self.fields[name].widget.attrs["max"] = self.today.isoformat()

    @property
    def number_field(self) -> Any:
        return self.fields["number"]

    def clean(self) -> dict[str, Any]:
        """Check the days against each other and the calendar."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("period") == OWN and not self.errors:
            self._check_days(cleaned.get("first"), cleaned.get("last"))
        return cleaned

    def _check_days(self, first: date | None, last: date | None) -> None:
        if not (first and last):
            self.add_error(None, "Choose the first and the last day.")
        elif first < FIRST_DAY:
            self.add_error("first", TOO_EARLY)
        elif first > last:
            self.add_error(None, "The first day comes after the last one.")
        elif last > self.today:
            self.add_error("last", "This day is in the future.")

    @property
    def period_name(self) -> str:
        """The chosen preset."""
        return self.cleaned_data.get("period") or WEEK

    @property
    def days(self) -> DateRange:
        """The chosen days, once the form is valid."""
        if self.period_name == OWN:
            return DateRange(self.cleaned_data["first"], self.cleaned_data["last"])
        return preset_range(self.period_name, self.today)
