"""Reads a business's own days, one a line: "2026-12-24: 9:00-13:00 (Christmas)". Pure.

A line has a day, or a first and a last one, and its hours or the word closed. A day
without a year comes every year.
"""

import re
from dataclasses import dataclass
from datetime import date

from bots.config.opening_hours import (
    CLOSED,
    DAY_MINUTES,
    BadHours,
    Span,
    parse_spans,
)

EXAMPLE = "2026-12-24: 9:00-13:00 (Christmas Eve)"
HOW = (
    f"Write it like {EXAMPLE}, like 2026-08-03 to 2026-08-21: closed (Summer break), "
    "or without a year for every year, like 12-31: closed."
)
MAX_DAYS = 200
MAX_NAME_LENGTH = 80
LEAP_YEAR = 2024  # has every day that a year can have

_DATE = r"(\d{4}-)?(\d{1,2})-(\d{1,2})"
_LINE = re.compile(
    rf"{_DATE}(?:\s*(?:to|until|till|bis|–)\s*{_DATE})?"  # noqa: RUF001
    r"\s*:\s*(?P<hours>[^()]*?)\s*(?:\((?P<name>.*)\))?\s*",
    re.IGNORECASE,
)


class BadDays(ValueError):
    """Days that cannot be parsed; the message names the line."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day, or several in a row, with hours of their own; no spans: closed.

    If it `is_yearly`, the years of its days have no meaning.
    """

    first: date
    last: date
    spans: tuple[Span, ...] = ()
    name: str = ""
    is_yearly: bool = False

    def covers(self, day: date) -> bool:
        """True if these hours are those of the day."""
        if not self.is_yearly:
            return self.first <= day <= self.last
        first, last, this = _in_year(self.first), _in_year(self.last), _in_year(day)
        if first <= last:
            return first <= this <= last
        return this >= first or this <= last  # over the turn of the year


def parse_special_days(text: str) -> tuple[SpecialDay, ...]:
    """Return the days, those of a single year before the yearly ones.

    Raises `BadDays`.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    days = [_parse(number, line) for number, line in lines if line]
    if len(days) > MAX_DAYS:
        raise BadDays(f"At most {MAX_DAYS} days are possible here. Delete some.")
    return tuple(sorted(days, key=lambda day: day.is_yearly))


def _parse(number: int, line: str) -> SpecialDay:
    match = _LINE.fullmatch(line)
    if not match:
        raise BadDays(f"Line {number}, “{line[:60]}”, is not understood. {HOW}")
    first = _date(number, *match.group(1, 2, 3))
    last = _date(number, *match.group(4, 5, 6)) if match[5] else first
    if match[5] and bool(match[1]) != bool(match[4]):
        raise BadDays(f"Line {number}: write both days with a year, or none of them.")
    if match[1] and last < first:
        raise BadDays(f"Line {number}: the last day, {last}, is before the first one.")
    name = (match["name"] or "").strip()[:MAX_NAME_LENGTH]
    return SpecialDay(first, last, _spans(number, match["hours"]), name, not match[1])


def _date(number: int, year: str | None, month: str, day: str) -> date:
    try:
        return date(int(year[:-1]) if year else LEAP_YEAR, int(month), int(day))
    except ValueError as error:
        shown = f"{year or ''}{month}-{day}"
        raise BadDays(
            f"Line {number}: {shown} is a day that does not exist. Write the month "
            "before the day."
        ) from error


def _spans(number: int, hours: str) -> tuple[Span, ...]:
    """The hours of one day; none if it is closed."""
    if hours.lower() in CLOSED:
        return ()
    try:
        spans = parse_spans(hours)
    except BadHours as error:
        raise BadDays(f"Line {number}: {error}") from error
    of_first_day = tuple(span for span in spans if span[0] < DAY_MINUTES)
    if not of_first_day or len(spans) != 7 * len(of_first_day):
        raise BadDays(
            f"Line {number}: write the hours without days of the week, or “closed”."
        )
    return of_first_day


def _in_year(day: date) -> tuple[int, int]:
    return day.month, day.day
