"""Public holidays of countries and regions, and their failure."""

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


def test_a_failing_library_makes_an_ordinary_day(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    public_holidays._of_year.cache_clear()
    monkeypatch.setattr(holidays, "country_holidays", broken)
    assert holiday_name("DE", "BY", date(2026, 12, 25)) == ""
    assert "holidays of DE BY cannot be looked up" in caplog.text
    assert holiday_name("DE", "gone", date(2026, 12, 25)) == ""
