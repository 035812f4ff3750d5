"""Leads from the years of all calls down to a day's: links for the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

MONTHS = 12
PARTS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class Link:
    """One step: where it leads to, as a query string, and what it says."""

    query: str
    title: str


@dataclass(frozen=True, slots=True)
class DrillDown:
    """The way back up, and the choices one step further down."""

    back: Link | None
    choices: list[Link]


def drill(
    asked: Mapping[str, str], field: str, first: date, last: date
) -> DrillDown | None:
    """Where to go from the page that was `asked` for; calls are between two days.

    The days are not looked up, so that it costs nothing however many calls there are.
    """
    names = [f"{field}__{part}" for part in PARTS]
    others = {key: asked[key] for key in asked if key not in (*names, "p")}
    try:
        at = [int(asked[name]) for name in names if name in asked]
        date(*[*at, *(first.year, 1, 1)[len(at) :]])
    except (ValueError, OverflowError):  # no such day
        return None

    def link(where: list[int], title: str) -> Link:
        chosen = dict(zip(names, where, strict=False))
        return Link("?" + urlencode({**others, **chosen}), title)

    back = link(at[:-1], _title(at[:-1]) or "All dates") if at else None
    below = _below(at, first, last)
    return DrillDown(back, [link(where, _title(where)) for where in below])


def _below(at: list[int], first: date, last: date) -> list[list[int]]:
    """What can be chosen below a year, a month or everything."""
    match at:
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


def _title(where: list[int]) -> str:
    match where:
        case [year]:
            return str(year)
        case [year, month]:
            return date(year, month, 1).strftime("%B %Y")
        case [year, month, day]:
            return f"{day} {date(year, month, day):%B}"
    return ""
