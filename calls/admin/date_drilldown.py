"""Links above the list of calls that lead from years down to a day.

Django's `date_hierarchy` would look up the dates with calls, which takes seconds for
200,000 calls on SQLite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.utils import dateformat

PARTS = ("year", "month", "day")
TITLE_FORMATS = ("Y", "F Y", "j F")


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
    back = link(parent, _title(parent) if parent else "All dates") if chosen else None
    levels = _below(chosen, first, last)
    return DrillDown(back, [link(level, _title(level)) for level in levels])


def _below(chosen: list[int], first: date, last: date) -> list[list[int]]:
    """The years, the months of a year, or the days of a month."""
    size = len(chosen) + 1
    ordinals = range(first.toordinal(), last.toordinal() + 1)
    days = ([day.year, day.month, day.day] for day in map(date.fromordinal, ordinals))
    levels = {tuple(day[:size]) for day in days if day[: size - 1] == chosen}
    below = sorted(map(list, levels)) if size <= len(PARTS) else []
    is_only_year = size == 1 and len(below) == 1
    return _below(below[0], first, last) if is_only_year else below


def _title(level: list[int]) -> str:
    day = date(*[*level, 1, 1][: len(PARTS)])
    return dateformat.format(day, TITLE_FORMATS[len(level) - 1])
