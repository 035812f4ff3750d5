"""The filter of the list of calls by the day on which they started.

Periods such as “This week” are relative to the day on which the list is opened, so a
saved view or a bookmark of them never grows old.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import localdate, make_aware

from bots.site_settings.current import day as day_of
from calls.models import Call

ONE_DAY = timedelta(days=1)
# None of them may begin like the parameter of another filter.
PARAMETERS = ("when", "since", "until")
PERIODS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "this-week": "This week",
    "last-week": "Last week",
    "past-7-days": "Past 7 days",
    "past-30-days": "Past 30 days",
    "this-month": "This month",
    "last-month": "Last month",
}


def days_of(period: str, today: date) -> tuple[date, date]:
    """The first and the last day of a period. A week begins on Monday."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    match period:
        case "today":
            return today, today
        case "yesterday":
            return today - ONE_DAY, today - ONE_DAY
        case "this-week":
            return monday, today
        case "last-week":
            return monday - timedelta(days=7), monday - ONE_DAY
        case "past-7-days" | "past-30-days":
            return today - timedelta(days=int(period.split("-")[1]) - 1), today
        case "this-month":
            return first, today
        case "last-month":
            return (first - ONE_DAY).replace(day=1), first - ONE_DAY
    raise ValueError(f"There is no period {period!r}.")


class StartedFilter(ListFilter):
    """Calls of a period, or from one day to another, each day whole."""

    title = "started"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: Any,
        model_admin: Any,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.used: dict[str, str] = {}
        for name in PARAMETERS:
            if name in params and (value := params.pop(name)[-1]):
                self.used[name] = value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [*PARAMETERS]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Any time, and the periods."""
        names, period = PARAMETERS, self.used.get("when")
        for value, label in {"": "Any time", **PERIODS}.items():
            chosen = {"when": value} if value else {}
            yield {
                "display": label,
                "selected": value == (period or ""),
                "query_string": changelist.get_query_string(chosen, names),
            }

    @property
    def days_text(self) -> str:
        """The chosen days in words; empty if a period was chosen, or nothing."""
        since, until = (self.used.get(name) for name in ("since", "until"))
        if since and since == until:
            return _text(since)
        parts = (since and f"from {_text(since)}", until and f"to {_text(until)}")
        return " ".join(filter(None, parts))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> Any:
        """Raises `ValueError` for a day or a period that does not exist."""
        first, last = date.min, date.max
        if period := self.used.get("when"):
            first, last = days_of(period, localdate())
        if "since" in self.used:
            first = max(first, date.fromisoformat(self.used["since"]))
        if "until" in self.used:
            last = min(last, date.fromisoformat(self.used["until"]))
        if first > date.min:
            queryset = queryset.filter(started_at__gte=_midnight(first))
        if last < date.max:
            queryset = queryset.filter(started_at__lt=_midnight(last + ONE_DAY))
        return queryset


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _text(value: str) -> str:
    try:
        return day_of(date.fromisoformat(value))
    except ValueError:
        return value
