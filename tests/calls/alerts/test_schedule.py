"""Times of messages: digests by the local clock, and the limit of a channel."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from calls.alerts.schedule import next_day, next_hour, within_limit

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "planned"),
    [
        ("2026-11-30T12:10", "2026-11-30T13:00"),
        ("2026-11-30T12:00", "2026-11-30T13:00"),  # a full hour is over
        ("2026-03-29T00:59", "2026-03-29T01:00"),  # 1:59, then clocks show 3:00
        ("2026-10-25T00:30", "2026-10-25T01:00"),  # the first 2:30
        ("2026-10-25T01:30", "2026-10-25T02:00"),  # the second 2:30
    ],
)
def test_the_next_hour(after: str, planned: str) -> None:
    assert next_hour(utc(after), BERLIN) == utc(planned)


def test_a_full_hour_of_a_zone_that_is_half_an_hour_off() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    assert next_hour(utc("2026-11-30T12:10"), kolkata) == utc("2026-11-30T12:30")


@pytest.mark.parametrize(
    ("after", "hour", "planned"),
    [
        ("2026-11-30T05:00", 8, "2026-11-30T07:00"),
        ("2026-11-30T07:00", 8, "2026-12-01T07:00"),
        ("2026-03-28T12:00", 8, "2026-03-29T06:00"),  # an hour less in this night
        ("2026-03-28T12:00", 2, "2026-03-29T01:00"),  # there is no 2:00: at 3:00
        ("2026-10-24T12:00", 2, "2026-10-25T00:00"),  # the first 2:00 of two
        ("2026-10-25T00:10", 2, "2026-10-26T01:00"),  # not the second one again
        ("2026-10-24T23:30", 0, "2026-10-25T23:00"),
    ],
)
def test_the_next_day(after: str, hour: int, planned: str) -> None:
    assert next_day(utc(after), hour, BERLIN) == utc(planned)


def test_digests_through_a_night_come_once_a_day() -> None:
    at, days = utc("2026-10-22T22:00"), []
    for _ in range(5):
        at = next_day(at, 2, BERLIN)
        days.append(at.astimezone(BERLIN).day)
    assert days == [23, 24, 25, 26, 27]


def test_messages_wait_for_each_other_and_for_the_limit() -> None:
    now = utc("2026-11-30T12:00")
    assert within_limit(now, [], 2) == (now, False)
    before = now - timedelta(seconds=20)
    assert within_limit(now, [before], 2) == (now + timedelta(seconds=40), False)
    planned = [before, now - timedelta(minutes=50)]
    assert within_limit(now, planned, 2) == (now + timedelta(minutes=10), True)
    assert within_limit(now + timedelta(hours=1), planned, 2)[1] is False
