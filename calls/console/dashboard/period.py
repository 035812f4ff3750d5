"""The stretch of time a page looks at, cut at the local clock's days or hours."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.timezone import localtime, make_aware

DAYS = 14
# No call is older; dates near the ends of the calendar have no UTC time.
FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Period:
    """Days, or the hours of one `day`; `edges` are their starts and the end, in UTC."""

    edges: tuple[datetime, ...]
    day: date | None = None

    @property
    def begin(self) -> datetime:
        """The first moment of it."""
        return self.edges[0]

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.edges[-1]

    def place(self, moment: datetime) -> int:
        """Which of its days or hours a moment within it falls into, from 0."""
        return bisect_right(self.edges, moment) - 1

    def buckets(self) -> list[tuple[datetime, datetime]]:
        """Begin and end of each day or hour."""
        return list(zip(self.edges, self.edges[1:], strict=False))

    def label(self, begin: datetime) -> str:
        """What a day or an hour is called."""
        return localtime(begin).strftime("%a %d %b" if self.day is None else "%H:%M")


def latest_days(today: date) -> Period:
    """The days up to today."""
    days = (today + timedelta(days=count) for count in range(1 - DAYS, 2))
    return Period(_edges(datetime.combine(day, time()) for day in days))


def hours_of(day: date) -> Period:
    """One day by the hour: 23 or 25 of them where the clocks change."""
    start = datetime.combine(day, time())
    return Period(_edges(start + timedelta(hours=hour) for hour in range(25)), day)


def day_asked_for(text: str, today: date) -> date | None:
    """The day a person chose, as YYYY-MM-DD; None when it is no day for calls."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year >= FIRST_YEAR and day <= today else None


def start_of(day: date) -> datetime:
    """The midnight a day begins with."""
    return make_aware(datetime.combine(day, time()))


def _edges(moments: Iterable[datetime]) -> tuple[datetime, ...]:
    # An hour that the clocks skip begins when the next one does.
    return tuple(sorted({make_aware(moment).astimezone(UTC) for moment in moments}))
