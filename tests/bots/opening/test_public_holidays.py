"""Public holidays of countries and regions, and their failure."""

from collections.abc import Iterator
from datetime import date

import holidays
import pytest

from bots.opening import public_holidays
from bots.opening.public_holidays import (
    countries,
    holiday_lookup,
    holiday_name,
    regions,
)


def test_countries_and_their_regions_have_names() -> None:
    assert countries()["US"] == "United States"
    assert next(iter(countries())) == "AF"
    assert regions("DE")["BY"] == "Bayern"
    assert regions("XX") == {}


def test_names_are_english_where_the_library_knows_them() -> None:
    assert holiday_name("DE", "", date(2026, 12, 25)) == "Christmas Day"
    assert holiday_name("DE", "", date(2026, 12, 24)) == ""
    assert holiday_name("US", "CA", date(2026, 7, 4)) == "Independence Day"


def test_without_a_country_there_are_no_holidays() -> None:
    assert holiday_lookup("", "BY") is None


@pytest.fixture
def broken_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The library fails; the years that it was asked for."""
    asked = list[int]()

    def broken(*_: object, years: int, **__: object) -> None:
        asked.append(years)
        raise ZeroDivisionError

    public_holidays._of_year.cache_clear()
    monkeypatch.setattr(holidays, "country_holidays", broken)
    yield asked
    public_holidays._of_year.cache_clear()


def test_a_failing_library_makes_an_ordinary_day_and_is_asked_once_a_year(
    broken_library: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    for day in range(1, 32):
        assert holiday_name("DE", "BY", date(2026, 12, day)) == ""
    assert broken_library == [2026]
    assert caplog.text.count("holidays of DE BY cannot be looked up") == 1


def test_a_country_that_is_gone_has_no_holidays() -> None:
    assert holiday_name("GONE", "", date(2026, 12, 25)) == ""
