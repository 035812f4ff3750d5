"""The days that the statistics cover, on the desk's clock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from bots.site_settings.current import column_day
from bots.site_settings.current import day as day_in_style
from calls.console.dashboard.period import FIRST_YEAR, start_of

FIRST_DAY = date(FIRST_YEAR, 1, 1)
TODAY, WEEK, DAYS_30, MONTH, OWN = "today", "7", "30", "month", "own"
PRESETS = (
    (TODAY, "Today"),
    (WEEK, "7 days"),
    (DAYS_30, "30 days"),
    (MONTH, "This month"),
    (OWN, "Other days"),
)
# The chart has no more columns than this.
MAX_COLUMNS = 62


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The midnight with which the first day begins."""
        return start_of(self.first)

    @property
    def end(self) -> datetime:
        """The midnight with which the last day ends."""
        return start_of(self.last + timedelta(days=1))

    @property
    def columns(self) -> "Columns":
        """The days, or the weeks, months or years if there are too many days."""
        for unit in UNITS:
            starts = list(unit.starts(self.first, self.last))
            if len(starts) <= MAX_COLUMNS:
                break
        edges = [start_of(day).astimezone(UTC) for day in starts]
        labels = [unit.label(day) for day in starts]
        return Columns(unit.name, tuple(labels), (*edges, self.end.astimezone(UTC)))


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the chart; `edges` are their beginnings and the end, in UTC."""

    unit: str
    labels: tuple[str, ...]
    edges: tuple[datetime, ...]

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        """Begin and end of each column."""
        return list(pairwise(self.edges))


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str
    label: Callable[[date], str]
    following: Callable[[date], date]  # the day with which the next column begins

    def starts(self, first: date, last: date) -> Iterator[date]:
        """The first day of each column."""
        day = first
        while day <= last:
            yield day
            day = self.following(day)


def _next_week(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


UNITS = (
    _Unit("Day", column_day, lambda day: day + timedelta(days=1)),
    _Unit("Week from", day_in_style, _next_week),
    _Unit("Month", "{:%b %Y}".format, _next_month),
    _Unit("Year", "{:%Y}".format, lambda day: date(day.year + 1, 1, 1)),
)


def preset_range(preset: str, today: date) -> DateRange:
    """The days of a preset, up to today."""
    match preset:
        case "7" | "30":
            return DateRange(today - timedelta(days=int(preset) - 1), today)
        case "month":
            return DateRange(today.replace(day=1), today)
    return DateRange(today, today)
