"""The time at which a number opens, in the languages of callers."""

from datetime import date, datetime

import pytest

from bots.config.phrasebook import PHRASEBOOKS
from bots.config.placeholders import with_value
from bots.opening.spoken_times import TODAY, Opening

MONDAY = datetime(2026, 12, 7, 9, 0)


@pytest.mark.parametrize(
    ("language", "today", "spoken"),
    [
        ("en-US", date(2026, 12, 4), "Monday, 9:00 AM"),
        ("en-GB", date(2026, 12, 7), "today, 09:00"),
        ("de-AT", date(2026, 12, 1), "Montag, 09:00"),
        ("de-DE", date(2026, 11, 30), "Montag, 7. Dezember 2026, 09:00"),
        ("nb-NO", date(2026, 12, 7), "i dag, 09:00"),
        ("zh-HK", date(2026, 12, 4), "星期一 上午9:00"),
        ("el-GR", date(2026, 12, 7), "σήμερα, 9:00 π.μ."),
        ("no such", date(2026, 12, 4), "Monday, 9:00 AM"),
    ],
)
def test_a_caller_hears_the_day_or_the_date(
    language: str, today: date, spoken: str
) -> None:
    assert Opening(MONDAY, today).spoken(language) == spoken


@pytest.mark.parametrize("language", sorted(PHRASEBOOKS))
def test_every_language_of_the_phrasebook_has_its_own_words(language: str) -> None:
    english = Opening(MONDAY, date(2026, 12, 4)).spoken("en")
    named = Opening(MONDAY, date(2026, 12, 4)).spoken(language)
    assert (named == english) == (language == "en")
    assert TODAY[language] in Opening(MONDAY, MONDAY.date()).spoken(language)


def test_only_the_placeholder_of_that_name_is_filled_in() -> None:
    text = "{{opens|soon}} and {{ opens }} for {{name|you}}"
    assert with_value(text, "opens", "Monday") == "Monday and Monday for {{name|you}}"
    assert with_value(text, "opens", "") == "soon and  for {{name|you}}"
