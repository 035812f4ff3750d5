"""Parses opening hours such as "Mon-Fri 9:00-17:30, Sat 10:00-14:00". Pure."""

import re
from collections.abc import Iterator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
_DAY = r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_TIME = r"(\d{1,2})(?::(\d{2}))?"
_SPAN = re.compile(
    rf"(?:{_DAY}(?:\s*-\s*{_DAY})?|(daily))\s+{_TIME}\s*-\s*{_TIME}",
    re.IGNORECASE | re.ASCII,
)
EXAMPLE = "Mon-Fri 9:00-17:30, Sat 10:00-14:00"

Span = tuple[int, int]  # minutes since Monday 0:00; may end in the next week


class BadHours(ValueError):
    """Opening hours that cannot be parsed; the message names the part."""


def parse_spans(text: str) -> list[Span]:
    """Return the spans of time; an empty text has none. Raises `BadHours`."""
    parts = [part.strip() for part in re.split(r"[,;\n]", text.replace("–", "-"))]  # noqa: RUF001
    return [span for part in parts if part for span in _spans(part)]


def is_open(text: str, minute: int) -> bool:
    """True if it is open at a minute of the week; an empty text is always open.

    Raises `BadHours`.
    """
    spans = parse_spans(text)
    return not spans or any(
        (minute - start) % WEEK_MINUTES < end - start for start, end in spans
    )


def is_open_or_unreadable(text: str, minute: int) -> bool:
    """`is_open`, with hours that cannot be read taken for always open."""
    try:
        return is_open(text, minute)
    except BadHours:
        return True


def _spans(part: str) -> Iterator[Span]:
    match = _SPAN.fullmatch(part)
    if not match:
        raise BadHours(f"“{part}” is not understood. Write it like {EXAMPLE}.")
    first, last, daily, *times = match.groups()
    opens, closes = _minute(part, *times[:2]), _minute(part, *times[2:])
    if closes <= opens:
        closes += DAY_MINUTES  # past midnight
    first_day = 0 if daily else DAYS.index(first[:3].lower())
    last_day = 6 if daily else DAYS.index((last or first)[:3].lower())
    for day in range(first_day, first_day + (last_day - first_day) % 7 + 1):
        midnight = day % 7 * DAY_MINUTES
        yield midnight + opens, midnight + closes


def _minute(part: str, hour: str, minute: str | None) -> int:
    minutes = int(hour) * 60 + int(minute or 0)
    if minutes > DAY_MINUTES or int(minute or 0) > 59:
        raise BadHours(f"“{part}” has a time of day that does not exist.")
    return minutes
