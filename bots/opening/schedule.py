"""Decides if a number is open at a moment, why, and until when. Pure.

The hours of a day are those of a day of its own, else none on a public holiday, else
those of the week. Hours past midnight belong to the day on which they begin.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bots.config.opening_hours import DAY_MINUTES, BadHours, Span, week_of
from bots.opening.special_days import BadDays, SpecialDay, parse_special_days
from bots.opening.spoken_times import Opening

WEEKLY = "The weekly opening hours say so."
NO_HOURS = "It has no weekly opening hours."
ALWAYS_OPEN = "It has no opening hours."
ALL_DAY: tuple[Span, ...] = ((0, DAY_MINUTES),)
# A change later than this is not looked for.
HORIZON_DAYS = 400
# The day before yesterday can still have hours now, in a zone that skips a day.
DAYS_BACK = 2
DAY = timedelta(days=1)
# Writes a date in the style of the console.
DayText = Callable[[date], str]


@dataclass(frozen=True, slots=True)
class DayHours:
    """The hours of one day in minutes, and the reason for them."""

    day: date
    spans: tuple[Span, ...]
    reason: str
    name: str = ""

    @property
    def because(self) -> str:
        """The reason as a sentence."""
        if self.reason in (WEEKLY, NO_HOURS):
            return self.reason
        name = f": {self.name}" if self.name else ""
        return f"This {self.day:%A} {self.reason}{name}."


@dataclass(frozen=True, slots=True)
class OpenState:
    """Open or closed at a moment, in the number's time zone.

    `changes_at`, in UTC, is None if that does not change soon.
    """

    is_open: bool
    because: str
    zone: str
    moment: datetime
    changes_at: datetime | None = None

    @property
    def is_always_open(self) -> bool:
        """True for a number without any hours."""
        return self.because == ALWAYS_OPEN

    def headline(self, day_text: DayText) -> str:
        """One line for operators: “Closed, opens Mon 9:00 (Europe/Berlin)”."""
        if self.is_always_open:
            return "Always open"
        state, verb = ("Open", "closes") if self.is_open else ("Closed", "opens")
        if self.changes_at:
            state += f", {verb} {self._when(self.changes_at, day_text)}"
        elif not self.is_open:
            state += ", not open within a year"
        return f"{state} ({self.zone})"

    def local_time(self, day_text: DayText) -> str:
        """The moment in the number's time zone."""
        at = self.moment
        return f"{at:%a} {day_text(at.date())}, {at.hour}:{at:%M}"

    @property
    def opening(self) -> Opening | None:
        """The time at which it opens again; None if it is open, or that is unknown."""
        if self.is_open or self.changes_at is None:
            return None
        at = self.changes_at.astimezone(self.moment.tzinfo)
        return Opening(at, self.moment.date())

    def _when(self, change: datetime, day_text: DayText) -> str:
        at = change.astimezone(self.moment.tzinfo)
        days = (at.date() - self.moment.date()).days
        clock = f"{at.hour}:{at:%M}"
        if days == 0:
            return f"today {clock}"
        if days < 7:
            return f"{at:%a} {clock}"
        return f"{at:%a} {day_text(at.date())}, {clock}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The hours of a number in its time zone.

    `holiday_name` returns the name of a day's public holiday, or an empty text.
    """

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...] = ()  # by day, Monday first; empty: always open
    special_days: tuple[SpecialDay, ...] = ()
    holiday_name: Callable[[date], str] | None = None

    @classmethod
    def of(
        cls,
        zone: ZoneInfo,
        hours: str = "",
        special_days: str = "",
        holiday_name: Callable[[date], str] | None = None,
    ) -> "Schedule":
        """Read the texts of operators; one that cannot be read is taken for empty."""
        try:
            days = parse_special_days(special_days)
        except BadDays:
            days = ()
        return cls(zone, _week_of(hours), days, holiday_name)

    @property
    def is_always_open(self) -> bool:
        """True if it has no hours at all."""
        return not (self.week or self.special_days or self.holiday_name)

    def hours_of(self, day: date) -> DayHours:
        """The hours of a day, and why it has these."""
        for special in self.special_days:
            if special.covers(day):
                reason = "has hours of its own" if special.spans else "is a closed day"
                return DayHours(day, special.spans, reason, special.name)
        if self.holiday_name and (name := self.holiday_name(day)):
            return DayHours(day, (), "is a public holiday", name)
        if not self.week:
            return DayHours(day, ALL_DAY, NO_HOURS)
        return DayHours(day, self.week[day.weekday()], WEEKLY)

    def state_at(self, moment: datetime) -> OpenState:
        """Open or closed at an aware time, and the next change."""
        local = moment.astimezone(self.zone)
        if self.is_always_open:
            return OpenState(True, ALWAYS_OPEN, self.zone.key, local)
        now, hours = moment.astimezone(UTC), self.hours_of(local.date())
        closes: datetime | None = None
        changes: datetime | None = None
        for opens, end, of_day in self._spans(local.date() - DAYS_BACK * DAY):
            if opens > (closes or now):
                changes = closes or opens
                break
            if end > now:
                hours = hours if closes else of_day
                closes = max(end, closes or end)
        is_open = closes is not None
        return OpenState(is_open, hours.because, self.zone.key, local, changes)

    def _spans(self, first: date) -> Iterator[tuple[datetime, datetime, DayHours]]:
        """The times at which it opens and closes, in their order."""
        for number in range(HORIZON_DAYS):
            day = first + number * DAY
            hours = self.hours_of(day)
            for start, end in sorted(hours.spans):
                opens, closes = self._opening(day, start), self._closing(day, end)
                if opens < closes:
                    yield opens, closes, hours

    def _opening(self, day: date, minute: int) -> datetime:
        """The first time at which clocks show a minute of a day, or have passed it."""
        return self._local(day, minute).astimezone(UTC)

    def _closing(self, day: date, minute: int) -> datetime:
        """The last time at which clocks show it: they may be put back in between."""
        shown = self._local(day, minute)
        return max(shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))

    def _local(self, day: date, minute: int) -> datetime:
        days, rest = divmod(minute, DAY_MINUTES)
        clock = time(rest // 60, rest % 60)
        return datetime.combine(day + days * DAY, clock, self.zone)


def _week_of(text: str) -> tuple[tuple[Span, ...], ...]:
    try:
        return tuple(map(tuple, week_of(text)))
    except BadHours:
        return ()
