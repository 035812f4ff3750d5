"""The period that the dashboard shows, in days or hours of the local clock."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.timezone import localtime, make_aware

from bots.site_settings.current import column_day

DAYS = 14
# No call is older; dates near the ends of the calendar have no UTC time.
FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Period:
    """Days, or the hours of one `day`. `edges` are their starts and the end, in UTC."""

    edges: tuple[datetime, ...]
    day: date | None = None

    @property
    def begin(self) -> datetime:
        return self.edges[0]

    @property
    def end(self) -> datetime:
        return self.edges[-1]

    def bucket_of(self, time: datetime) -> int:
        """The index of the day or hour that contains a time within the period."""
        return bisect_right(self.edges, time) - 1

    def buckets(self) -> list[tuple[datetime, datetime]]:
        """Begin and end of each day or hour."""
        return list(zip(self.edges, self.edges[1:], strict=False))

    def label(self, begin: datetime) -> str:
        """The name of the day or hour that begins so."""
        local = localtime(begin)
        return f"{local:%H:%M}" if self.day else column_day(local)


def latest_days(today: date) -> Period:
    """The last days, including today."""
    days = (today + timedelta(days=count) for count in range(1 - DAYS, 2))
    return Period(_edges(datetime.combine(day, time()) for day in days))


def hours_of(day: date) -> Period:
    """One day by the hour: 23 or 25 hours when the clocks change."""
    start = datetime.combine(day, time())
    return Period(_edges(start + timedelta(hours=hour) for hour in range(25)), day)


def parse_day(text: str, today: date) -> date | None:
    """The day in a text like YYYY-MM-DD; None if no call can be of that day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year >= FIRST_YEAR and day <= today else None


def start_of(day: date) -> datetime:
    """The midnight with which a day begins."""
    return make_aware(datetime.combine(day, time()))


def _edges(times: Iterable[datetime]) -> tuple[datetime, ...]:
    # An hour that the clocks skip begins with the next one.
    return tuple(sorted({make_aware(time).astimezone(UTC) for time in times}))
