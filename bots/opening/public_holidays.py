"""Public holidays per country and region, from the library `holidays`.

It keeps the list of the field. A call never fails because of it: a day whose holiday
cannot be looked up is an ordinary day.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial

import holidays
from holidays.registry import COUNTRIES

log = logging.getLogger(__name__)

ENGLISH = "en_US"


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """The names of all countries with holidays, by their codes."""
    names = {codes[1]: _spaced(codes[0]) for codes in COUNTRIES.values()}
    return dict(sorted(names.items(), key=lambda item: item[1]))


@lru_cache(maxsize=64)
def regions(country: str) -> Mapping[str, str]:
    """The names of a country's regions, by their codes."""
    if country not in countries():
        return {}
    calendar = getattr(holidays, country)
    codes: tuple[str, ...] = calendar.subdivisions
    # Some regions have a short name as well.
    aliases = sorted(
        calendar.subdivisions_aliases.items(), key=lambda item: len(item[0])
    )
    names = {code: name for name, code in aliases}
    return {code: names.get(code, code) for code in codes}


def holiday_lookup(country: str, region: str) -> Callable[[date], str] | None:
    """A function that returns the name of a day's holiday; None without a country."""
    return partial(holiday_name, country, region) if country else None


def holiday_name(country: str, region: str, day: date) -> str:
    """The English name of a day's holiday, or the country's own; empty for none."""
    return _of_year(country, region, day.year).get(day, "")


@lru_cache(maxsize=512)
def _of_year(country: str, region: str, year: int) -> Mapping[date, str]:
    """The holidays of a year; none if they cannot be looked up, which is tried once.

    A caller waits while many days are asked about.
    """
    try:
        found = holidays.country_holidays(
            country, subdiv=region or None, years=year, language=_language(country)
        )
    except Exception:  # of any country's module: callers must reach us all the same
        log.exception("The holidays of %s %s cannot be looked up", country, region)
        return {}
    return dict(found.items())


def _language(country: str) -> str | None:
    """English if the names are translated, else None for the country's own language."""
    languages = getattr(holidays, country).supported_languages
    return ENGLISH if ENGLISH in languages else None


def _spaced(name: str) -> str:
    """“United States” for UnitedStates."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
