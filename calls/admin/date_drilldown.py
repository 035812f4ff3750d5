"""Links above the list of calls that lead from years down to a day.

Django's `date_hierarchy` would look up the dates with calls, which takes seconds for
200,000 calls on SQLite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

MONTHS = 12
PARTS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its query string and its text."""

    query: str
    title: str


@dataclass(frozen=True, slots=True)
class DrillDown:
    """The link one level up, and the links one level down."""

    back: Link | None
    choices: list[Link]


def drill(
    parameters: Mapping[str, str], field: str, first: date, last: date
) -> DrillDown | None:
    """The links for a page with these query parameters.

    All days from `first` to `last` are offered, whether or not they have calls.
    """
    names = [f"{field}__{part}" for part in PARTS]
    others = {key: parameters[key] for key in parameters if key not in (*names, "p")}
    try:
        chosen = [int(parameters[name]) for name in names if name in parameters]
        date(*[*chosen, *(first.year, 1, 1)[len(chosen) :]])
    except (ValueError, OverflowError):  # no such day
        return None

    def link(level: list[int], title: str) -> Link:
        dates = dict(zip(names, level, strict=False))
        return Link("?" + urlencode({**others, **dates}), title)

    parent = chosen[:-1]
    back = link(parent, _title(parent) or "All dates") if chosen else None
    levels = _below(chosen, first, last)
    return DrillDown(back, [link(level, _title(level)) for level in levels])


def _below(chosen: list[int], first: date, last: date) -> list[list[int]]:
    """The years, the months of a year, or the days of a month."""
    match chosen:
        case []:
            years = [[year] for year in range(first.year, last.year + 1)]
            return years if len(years) > 1 else _below(years[0], first, last)
        case [year]:
            months = (date(year, month, 1) for month in range(1, MONTHS + 1))
            begin, end = first.replace(day=1), last
            return [[year, day.month] for day in months if begin <= day <= end]
        case [year, month]:
            return [
                [year, month, day.day]
                for number in range(first.toordinal(), last.toordinal() + 1)
                if (day := date.fromordinal(number)).year == year and day.month == month
            ]
    return []


def _title(level: list[int]) -> str:
    match level:
        case [year]:
            return str(year)
        case [year, month]:
            return date(year, month, 1).strftime("%B %Y")
        case [year, month, day]:
            return f"{day} {date(year, month, day):%B}"
    return ""
