"""Days of a business's own, as operators write them."""

import re
from datetime import date

import pytest

from bots.opening.special_days import BadDays, parse_special_days

NINE_TO_ONE = ((540, 780),)


def test_a_day_has_hours_and_a_name() -> None:
    (day,) = parse_special_days("2026-12-24: 9:00-13:00 (Christmas Eve)\n\n")
    assert (day.spans, day.name) == (NINE_TO_ONE, "Christmas Eve")
    assert day.covers(date(2026, 12, 24))
    assert not day.covers(date(2027, 12, 24))
    assert not day.covers(date(2026, 12, 25))


@pytest.mark.parametrize("hours", ["closed", "Closed", "geschlossen"])
def test_a_day_without_hours_is_closed(hours: str) -> None:
    (day,) = parse_special_days(f"2026-12-31: {hours}")
    assert (day.spans, day.name) == ((), "")


@pytest.mark.parametrize("word", ["to", "until", "bis", "–"])  # noqa: RUF001
def test_several_days_in_a_row(word: str) -> None:
    (day,) = parse_special_days(f"2026-08-03 {word} 2026-08-21: closed (Summer)")
    assert [day.covers(date(2026, 8, n)) for n in (2, 3, 21, 22)] == [
        *(False, True, True, False)
    ]


def test_a_day_without_a_year_comes_every_year_and_may_cross_its_end() -> None:
    (day,) = parse_special_days("12-31 to 01-02: closed")
    covered = [(2026, 12, 31), (2027, 1, 1), (2040, 1, 2)]
    assert all(day.covers(date(*each)) for each in covered)
    assert not day.covers(date(2026, 12, 30))
    assert not day.covers(date(2026, 1, 3))


def test_the_29th_of_february_comes_in_leap_years() -> None:
    (day,) = parse_special_days("02-29: 10-12 (Leap day)")
    assert day.covers(date(2028, 2, 29))
    assert not day.covers(date(2027, 2, 28))
    assert not day.covers(date(2027, 3, 1))


def test_a_day_of_a_year_counts_before_that_of_every_year() -> None:
    days = parse_special_days("12-24: closed\n2026-12-24: 9-13")
    assert [day.is_yearly for day in days] == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Christmas", "Line 1, “Christmas”, is not understood"),
        ("2026-12-24", "not understood"),
        ("24.12.2026: closed", "not understood"),
        ("\n2026-02-29: closed", "Line 2: 2026-02-29 is a day that does not exist"),
        ("2026-24-12: closed", "Write the month before the day"),
        ("02-30: closed", "does not exist"),
        ("2026-08-21 to 2026-08-03: closed", "2026-08-03, is before the first one"),
        ("2026-08-21 to 08-30: closed", "both days with a year, or none"),
        ("2026-12-24:", "without days of the week, or “closed”"),
        ("2026-12-24: ()", "without days of the week"),
        ("2026-12-24: Mon 9-17", "without days of the week"),
        ("2026-12-24: soon", "Line 1: “soon” is not understood"),
        ("2026-12-24: 9-25", "Line 1: “25” is a time of day that does not exist"),
        ("2026-12-24: 9:00-5:00", "may mean the morning or the afternoon"),
        ("01-01: closed\n" * 201, "At most 200 days"),
    ],
)
def test_bad_input_is_refused_in_plain_words(text: str, words: str) -> None:
    with pytest.raises(BadDays, match=re.escape(words)):
        parse_special_days(text)
