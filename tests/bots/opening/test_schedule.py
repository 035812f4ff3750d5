"""Open or closed, why, and until when."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.config.opening_hours import DAY_MINUTES
from bots.opening.public_holidays import holiday_lookup
from bots.opening.schedule import OpenState, Schedule
from bots.opening.special_days import parse_special_days

BERLIN, HAVANA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana")
OFFICE = "Mon-Fri 9:00-12:00, 13:00-17:00"


def state(schedule: Schedule, local: str) -> OpenState:
    moment = datetime.fromisoformat(local).replace(tzinfo=schedule.zone)
    return schedule.state_at(moment)


def headline(found: OpenState) -> str:
    return found.headline(date.isoformat)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-30 08:59", "Closed, opens today 9:00 (Europe/Berlin)"),
        ("2026-11-30 09:00", "Open, closes today 12:00 (Europe/Berlin)"),
        ("2026-11-30 12:00", "Closed, opens today 13:00 (Europe/Berlin)"),
        ("2026-11-30 17:00", "Closed, opens Tue 9:00 (Europe/Berlin)"),
        ("2026-12-04 17:00", "Closed, opens Mon 9:00 (Europe/Berlin)"),
    ],
)
def test_the_headline_says_when_it_changes(local: str, expected: str) -> None:
    assert headline(state(Schedule.of(BERLIN, OFFICE), local)) == expected


def test_a_change_far_away_has_a_date() -> None:
    days = "2026-12-14 to 2027-01-10: closed (Break)"
    found = state(Schedule.of(BERLIN, OFFICE, days), "2026-12-20 10:00")
    assert headline(found) == "Closed, opens Mon 2027-01-11, 9:00 (Europe/Berlin)"
    assert found.because == "This Sunday is a closed day: Break."
    assert found.opening is not None
    assert found.opening.for_model == "Monday, 11 January 2027, 9:00"


def test_what_is_never_open_says_so() -> None:
    days = "2020-01-01 to 2099-12-31: closed"
    found = state(Schedule.of(BERLIN, "", days), "2026-12-20 10:00")
    assert headline(found) == "Closed, not open within a year (Europe/Berlin)"
    assert found.opening is None


def test_days_and_nights_of_24_hours_have_no_next_change() -> None:
    for hours in ("24/7", "Mon-Sun 9-9am", "daily 0-24"):
        found = state(Schedule.of(BERLIN, hours), "2026-11-30 09:00")
        assert (found.is_open, found.changes_at) == (True, None), hours
        assert headline(found) == "Open (Europe/Berlin)"


def test_holidays_close_and_days_of_ones_own_count_before_them() -> None:
    schedule = Schedule.of(
        BERLIN, OFFICE, "12-25: 10-11 (Sale)", holiday_lookup("DE", "BY")
    )
    assert state(schedule, "2026-12-25 10:30").is_open
    assert "has hours of its own: Sale" in state(schedule, "2026-12-25 10:30").because
    epiphany = state(schedule, "2027-01-06 10:00")
    assert not epiphany.is_open
    assert epiphany.because == "This Wednesday is a public holiday: Epiphany."
    hamburg = Schedule.of(BERLIN, OFFICE, "", holiday_lookup("DE", "HH"))
    assert state(hamburg, "2027-01-06 10:00").is_open


def test_hours_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    bar = Schedule.of(BERLIN, "Fri-Sat 8pm-3am", "2026-12-05: closed")
    assert state(bar, "2026-12-05 02:59").is_open  # Friday's
    assert not state(bar, "2026-12-05 03:00").is_open
    assert not state(bar, "2026-12-05 21:00").is_open
    assert not state(bar, "2026-12-06 01:00").is_open  # Saturday is closed
    assert state(bar, "2026-12-13 01:00").is_open


def test_without_weekly_hours_it_is_open_but_for_its_days() -> None:
    schedule = Schedule.of(BERLIN, "", "2026-12-24: closed")
    found = state(schedule, "2026-12-23 23:30")
    assert (found.is_open, headline(found)) == (
        True,
        "Open, closes Thu 0:00 (Europe/Berlin)",
    )
    closed = state(schedule, "2026-12-24 10:00")
    assert headline(closed).endswith("opens Fri 0:00 (Europe/Berlin)")


def test_the_29th_of_february_is_an_ordinary_day() -> None:
    found = state(Schedule.of(BERLIN, "Tue 9-17"), "2028-02-29 10:00")
    assert headline(found) == "Open, closes today 17:00 (Europe/Berlin)"


def test_an_hour_that_clocks_skip_or_repeat() -> None:
    night = Schedule.of(BERLIN, "daily 2:15-2:45 am")
    skipped = night.state_at(datetime(2027, 3, 28, 0, 30, tzinfo=UTC))
    assert skipped.changes_at is not None
    assert skipped.changes_at.date() == date(2027, 3, 28)
    # Opens when clocks first show 2:15, and closes when they last show 2:45.
    opens = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    closes = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)
    assert night.state_at(opens - timedelta(minutes=1)).changes_at == opens
    for minutes in (0, 31, 60, 89):
        found = night.state_at(opens + timedelta(minutes=minutes))
        assert (found.is_open, found.changes_at) == (True, closes)
    assert not night.state_at(closes).is_open


def test_a_day_may_begin_at_one_where_clocks_skip_midnight() -> None:
    schedule = Schedule.of(HAVANA, "Sun 0-24, Sat 0-24")
    found = schedule.state_at(datetime(2027, 3, 14, 4, 59, tzinfo=UTC))  # Saturday
    assert (found.is_open, found.changes_at) == (
        True,
        datetime(2027, 3, 15, 0, 0, tzinfo=HAVANA),
    )


def test_texts_that_cannot_be_read_leave_it_open() -> None:
    assert state(Schedule.of(BERLIN, "soon", "some day"), "2026-11-30 03:00").is_open


ZONES = st.sampled_from(
    [
        *("Europe/Berlin", "America/New_York", "America/Havana", "Asia/Kathmandu"),
        *("Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "UTC"),
    ]
).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
MINUTES = st.integers(0, DAY_MINUTES - 1)
SPANS = st.tuples(MINUTES, st.integers(1, DAY_MINUTES)).map(
    lambda span: (span[0], span[0] + span[1])
)
DAYS = st.lists(SPANS, max_size=2).map(tuple)
WEEKS = st.lists(DAYS, min_size=7, max_size=7).map(tuple)
SPECIAL = st.sampled_from(
    ["", "02-29: closed", "03-28 to 10-25: 2-3am", "12-31 to 01-01: 10pm-4am"]
).map(parse_special_days)
SCHEDULES = st.builds(Schedule, ZONES, WEEKS, SPECIAL)


@settings(max_examples=30)
@given(ZONES, MOMENTS)
def test_a_number_without_hours_is_always_open(zone: ZoneInfo, now: datetime) -> None:
    found = Schedule.of(zone).state_at(now)
    assert (found.is_open, found.changes_at) == (True, None)
    assert headline(found) == "Always open"


@settings(max_examples=30)
@given(SCHEDULES, MOMENTS)
def test_nothing_changes_before_the_next_change(
    schedule: Schedule, now: datetime
) -> None:
    found = schedule.state_at(now)
    change = found.changes_at
    if change is None:
        return
    assert change > now
    instant = timedelta(microseconds=1)
    middle = now + (change - now) / 2
    for moment in (middle, change - instant):
        assert schedule.state_at(moment).is_open == found.is_open
        assert schedule.state_at(moment).changes_at == change
    assert schedule.state_at(change).is_open is not found.is_open


@settings(max_examples=30)
@given(SCHEDULES, MOMENTS)
def test_away_from_clock_changes_the_wall_clock_decides(
    schedule: Schedule, now: datetime
) -> None:
    local = now.astimezone(schedule.zone)
    days = [local - timedelta(days=3), local, local + timedelta(days=3)]
    if len({day.utcoffset() for day in days}) > 1:
        return
    minute = local.hour * 60 + local.minute
    expected = any(
        start <= minute + back * DAY_MINUTES < end
        for back in (0, 1)
        for start, end in schedule.hours_of(local.date() - timedelta(days=back)).spans
    )
    assert schedule.state_at(now).is_open == expected
