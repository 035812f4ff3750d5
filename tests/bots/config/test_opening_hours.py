"""Opening hours, in the many ways in which people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.config.opening_hours import (
    DAYS,
    EXAMPLE,
    WEEK_MINUTES,
    BadHours,
    is_open,
    parse_spans,
    week_of,
)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("", {"mon 0:00": True, "sun 23:59": True}),
        ("Mon-Fri 9:00-17:30", {"mon 9:00": True, "fri 17:29": True}),
        ("Mon-Fri 9:00-17:30", {"fri 17:30": False, "sat 10:00": False}),
        ("monday–friday 9-17; Sat 10-14", {"sat 13:59": True, "sun 10:00": False}),  # noqa: RUF001
        ("Fri-Mon 8-9", {"sun 8:30": True, "mon 8:30": True, "tue 8:30": False}),
        ("Sun 22:00-2:00", {"sun 23:00": True, "mon 1:59": True, "mon 2:00": False}),
        ("daily 0-24", {"wed 0:00": True, "sun 23:59": True}),
        ("Daily 22-6", {"mon 5:59": True, "mon 6:00": False, "mon 22:00": True}),
    ],
)
def test_opening_hours_say_when_it_is_open(text: str, times: dict[str, bool]) -> None:
    for time, expected in times.items():
        day, clock = time.split()
        hour, minute = map(int, clock.split(":"))
        minute_of_the_week = DAYS.index(day) * 1440 + hour * 60 + minute
        assert is_open(text, minute_of_the_week) is expected, time


WORKDAYS = "Mon-Fri 9:00-17:00"
LUNCH = "Mon-Fri 9:00-12:00, Mon-Fri 13:00-17:00"


@pytest.mark.parametrize(
    ("text", "plainly"),
    [
        ("Mon-Fri 9:00-12:00, 13:00-17:00", LUNCH),
        ("Mon-Fri 9:00-12:00 13:00-17:00", LUNCH),
        ("Mon-Fri: 9-12 & 13-17", LUNCH),
        ("Mon–Fri 9:00–12:00 / 13:00–17:00", LUNCH),  # noqa: RUF001
        ("Mo-Fr 9-12 und 13-17 Uhr", LUNCH),
        ("Mon-Fri 9am-12pm, 1pm-5pm", LUNCH),
        ("Mon-Fri 9am-noon, 1-5pm", LUNCH),
        ("Mo-Fr 9-17", WORKDAYS),
        ("Mo.-Fr.: 9.00 - 17.00 Uhr", WORKDAYS),
        ("Montag bis Freitag von 9 bis 17 Uhr", WORKDAYS),
        ("Mon - Fri: 9:00 - 17:00", WORKDAYS),
        ("MON-FRI 09:00-17:00", WORKDAYS),
        ("Mon-Fri 0900-1700", WORKDAYS),
        ("Mon-Fri 9h-17h00", WORKDAYS),
        ("Mon-Fri 9 h - 17 h", WORKDAYS),
        ("Mon-Fri 9:00h-17:00h", WORKDAYS),
        ("M-F 9:00 AM - 5:00 PM", WORKDAYS),
        ("Monday through Friday, 0900-1700 hrs", WORKDAYS),
        ("Mon-Fri 9am-5pm", WORKDAYS),
        ("Mon to Fri from 9 a.m. to 5 p.m.", WORKDAYS),
        ("Mon-Fri 9-5pm", WORKDAYS),
        ("Mon-Fri 9am-5", WORKDAYS),
        ("weekdays 9-17", WORKDAYS),
        ("Mon, Tue, Wed, Thu, Fri 9-17", WORKDAYS),
        ("Mondays, Tues, Weds, Thurs & Friday 9-17", WORKDAYS),
        ("Mon-Fri 9-17, Sat, Sun closed", WORKDAYS),
        ("Daily 9-17; weekends: closed", WORKDAYS),
        ("Mon/Wed/Fri 9-17", "Mon 9-17, Wed 9-17, Fri 9-17"),
        ("Mon-Wed, Fri 9-17, Sat 10-14", "Mon-Wed 9-17, Fri 9-17, Sat 10-14"),
        ("Mon-Thu and Sat 9-17", "Mon-Thu 9-17, Sat 9-17"),
        ("Su-Th 9-17", "Sun-Thu 9-17"),
        ("9am-5pm", "daily 9-17"),
        ("9-12, 13-17 Uhr", "daily 9-12, 13-17"),
        ("24/7", "daily 0-24"),
        ("24h", "daily 0-24"),
        ("Always open", "daily 0-24"),
        ("Mon-Sun 0-24h", "daily 0-24"),
        ("Mon-Fri 24 hours, Sat 9-12", "Mon-Fri 0-24, Sat 9-12"),
        ("every day 0:00-24:00", "daily 0-24"),
        ("Fri-Sat 6pm-2am", "Fri-Sat 18:00-2:00"),
        ("Fri 18:00 - midnight", "Fri 18-24"),
        ("Mon 11-2pm", "Mon 11:00-14:00"),
        ("Mon 12-1pm", "Mon 12:00-13:00"),
        ("Mon 12am-12pm", "Mon 0:00-12:00"),
        ("Mon-Fri 8:30-12\nSa 9-12", "Mon-Fri 8:30-12:00, Sat 9-12"),
    ],
)
def test_opening_hours_are_read_as_people_write_them(text: str, plainly: str) -> None:
    assert sorted(parse_spans(text)) == sorted(parse_spans(plainly))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mon", "There are no times after “Mon”"),
        ("9-17 Mon", "There is no day before “9”"),
        ("Mon 9", "“9” has no second time"),
        ("Mon - 9-17", "There is no time before “-”"),
        ("Mon 25-26", "“25” is a time of day that does not exist"),
        ("Mon 9:60-10", "“9:60” is a time of day that does not exist"),
        ("Mon 13pm-14pm", "“13pm” is a time of day that does not exist"),
        ("Mon 0am-9am", "“0am” is a time of day that does not exist"),
        ("Someday 9-17", "“Someday” is not understood"),
        ("So-so 9-17, late", "“late” is not understood"),
        ("Mon 9-17?", "“?” is not understood"),
        ("T 9-17", "“T” is not understood"),
        ("Mon-Sat 9-17, closed Sun", "Write the days before “closed”: Sun closed."),
        ("\u017fun 9-17", "“\u017fun” is not understood"),
        ("Mon-Fri 9-5", "“9-5” may mean the morning or the afternoon"),
        ("Mon-Fri 9:00-9:00", "“9:00-9:00” may mean the morning or the afternoon"),
        ("Mon-Fri 8-12, 1-5", "“1-5” may mean the morning or the afternoon"),
        ("Mon 9-12, 11-14", "“11-14” begins before the time before it ends"),
        ("closed", "“closed” does not say when it is open"),
        ("Sun closed", "“Sun closed” does not say when it is open"),
        ("Mon 9-17 closed", "Write the days before “closed”: Sun closed."),
    ],
)
def test_unreadable_opening_hours_are_reported(text: str, words: str) -> None:
    with pytest.raises(BadHours) as refused:
        parse_spans(text)
    assert str(refused.value).startswith(words)


def test_the_example_is_right() -> None:
    assert len(parse_spans(EXAMPLE)) == 11


WORDS = ["mon", "fri", "daily", "sun closed", "9", "17:30", "-", "–", ",", "pm", "ſ"]  # noqa: RUF001


@given(
    st.text(alphabet="monfridaily 0123456789:-–,;ſ", max_size=25)  # noqa: RUF001
    | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
)
def test_any_text_is_hours_or_refused(text: str) -> None:
    try:
        spans = parse_spans(text)
    except BadHours as refused:
        assert "“" in str(refused)  # noqa: PT017
        return
    for start, end in spans:
        assert 0 <= start < WEEK_MINUTES
        assert start < end <= start + 2 * 1440
        assert is_open(text, start)


def test_a_week_has_the_spans_of_each_day() -> None:
    week = week_of("Sat 18-2, Mon 9:00-12:00")
    assert week[0] == [(540, 720)]
    assert week[5] == [(1080, 1560)]
    assert [len(day) for day in week] == [1, 0, 0, 0, 0, 1, 0]
    assert week_of(" ") == []
    with pytest.raises(BadHours):
        week_of("late")
