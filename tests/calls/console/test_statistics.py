"""The statistics: calls by bot and number, over any days, in the desk's time zone."""

import csv
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from bots.models import Bot, BotRole, PhoneNumber
from calls import figures
from calls.console.dashboard.statistics import MAX_RESPONSES
from calls.console.statistics import queries
from calls.console.statistics.date_range import MAX_COLUMNS, DateRange, preset_range
from calls.console.statistics.drawing import HEIGHT, WIDTH, draw
from calls.console.statistics.report import Report
from calls.console.statistics.tables import Row, our_number
from calls.models import Call
from tests.support.pages.dashboard import Ring, answer, listed_count, staff
from tests.support.pages.dashboard import bot as bot
from tests.support.pages.dashboard import ring as ring

pytestmark = pytest.mark.django_db

PAGE = "/admin/statistics/"
OURS, OTHER = "+14155550100", "+14155550101"
EVIL = "<script>alert(1)</script>"


def report(client: Client, **query: str) -> Report:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    found: Report = response.context["report"]
    return found


def values(row: Row) -> list[int]:
    return [count.value for count in row.counts]


def table(rows: list[tuple[str, Row]]) -> dict[str, list[int]]:
    return {name: values(row) for name, row in rows}


@pytest.fixture
def calls(ring: Ring, bot: Bot) -> None:
    """Calls of two bots on two numbers, of every outcome."""
    PhoneNumber.objects.create(number=OURS, label="Reception", bot=bot)
    PhoneNumber.objects.create(number=OTHER)
    night = Bot.objects.create(name="Night")
    minute = timedelta(minutes=1)
    now = timezone.now()
    ring(to_number=OURS, ended_at=now + minute)
    ring(to_number="sip:14155550100@you.sip.twilio.com", ended_at=now + 3 * minute)
    ring(to_number=OURS, status="failed", end_reason="bot-failed")
    ring(to_number=OURS, status="refused", bot=None, bot_name="", answered_at=None)
    ring(to_number=OTHER, bot=night, end_reason="transferred", ended_at=now + minute)
    ring(
        *(timedelta(days=20),),
        bot=night,
        from_number=OTHER,
        to_number="+4915112345678",
        direction="outbound-api",
    )
    ring(to_number=OURS, is_test=True)


def test_calls_are_counted_by_bot_and_by_number(
    admin_client: Client, calls: None
) -> None:
    found = report(admin_client, period="today")
    assert table(found.bots) == {
        "Front desk": [3, 3, 1, 0, 0],
        "No bot": [1, 0, 0, 1, 0],
        "Night": [1, 1, 0, 0, 1],
    }
    assert table(found.numbers) == {
        f"{OURS} Reception": [4, 3, 1, 1, 0],
        OTHER: [1, 1, 0, 0, 1],
    }
    assert values(found.total) == [5, 4, 1, 1, 1]
    assert found.total.mean_length == "1:15"
    month = report(admin_client, period="30")
    assert table(month.numbers)[OTHER] == [2, 2, 0, 0, 1]  # the outbound call, too


def test_each_figure_leads_to_its_calls(admin_client: Client, calls: None) -> None:
    for query in ({"period": "30"}, {"period": "today", "bot": str(first_bot())}):
        found = report(admin_client, **query)
        for row in (found.total, *(row for _, row in found.bots)):
            for count in row.counts:
                assert listed_count(admin_client, count.link) == count.value


def first_bot() -> int:
    return Bot.objects.get(name="Front desk").pk


def test_a_bot_and_a_number_can_be_chosen(admin_client: Client, calls: None) -> None:
    own = report(admin_client, bot=str(first_bot()))
    assert table(own.numbers) == {f"{OURS} Reception": [3, 3, 1, 0, 0]}
    assert len(own.drawing.bars) == 2
    other = report(admin_client, number=OTHER, period="30")
    assert table(other.bots) == {"Night": [2, 2, 0, 0, 1]}
    nothing = admin_client.get(PAGE, {"number": OTHER, "bot": str(first_bot())})
    assert "No calls in these days for this choice" in nothing.content.decode()


def test_the_delay_of_the_first_word_is_of_the_models_answers(
    admin_client: Client, ring: Ring, bot: Bot
) -> None:
    call = ring(turn_count=9, to_number=OURS)
    for ms in (400, 500, 600, 2000):
        answer(call, latency_ms={"play_sent": ms})
    answer(call, latency_ms={"play_sent": 9000}, model="")  # a greeting
    answer(call, latency_ms={"play_sent": "soon"})
    answer(ring(is_test=True, turn_count=1), latency_ms={"play_sent": 9000})
    found = report(admin_client)
    [(_, by_bot)], [(_, by_number)] = found.bots, found.numbers
    for row in (by_bot, by_number, found.total):
        assert row.delay_texts == ["0.50 s", "2.00 s"]
    assert not found.is_sampled


def test_of_too_many_answers_every_nth_calls_are_measured(
    admin_client: Client, ring: Ring
) -> None:
    for _ in range(9):
        answer(ring(turn_count=2), latency_ms={"play_sent": 700})
    assert len(report(admin_client).total.delays) == 9
    Call.objects.update(turn_count=2 * MAX_RESPONSES // 3)
    found = report(admin_client)
    assert found.is_sampled
    assert len(found.total.delays) == 3


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Asia/Kolkata", date(2026, 7, 1), 24),
        ("America/Santiago", date(2026, 9, 6), 23),  # the clocks change at midnight
    ],
)
def test_days_are_those_of_the_desk(
    ring: Ring, settings: Settings, zone: str, day: date, hours: int
) -> None:
    settings.TIME_ZONE = zone
    days = DateRange(day - timedelta(days=1), day)
    begin, end = days.columns.edges[1:]
    assert end - begin == timedelta(hours=hours)
    moment = timedelta(microseconds=1)
    for at in (begin - moment, begin, end - moment, end):
        ring(started_at=at)
    calls = queries.calls_between(Call.objects.all(), days.begin, days.end)
    counts = queries.counts_by_column(calls, days.columns.edges)
    assert [column["completed"] for column in counts] == [1, 2]


@pytest.mark.parametrize(
    ("days", "unit", "columns"),
    [
        (1, "Day", 1),
        (62, "Day", 62),
        (63, "Week from", 10),
        (500, "Month", 17),
        (9_000, "Year", 25),
    ],
)
def test_many_days_are_drawn_as_weeks_months_or_years(
    days: int, unit: str, columns: int
) -> None:
    first = date(2002, 1, 1)
    found = DateRange(first, first + timedelta(days=days - 1)).columns
    assert (found.unit, len(found.labels)) == (unit, columns)
    assert len(found.spans) == columns <= MAX_COLUMNS
    assert all(begin < end for begin, end in found.spans)


def test_presets_end_today() -> None:
    today = date(2026, 3, 5)
    assert preset_range("today", today) == DateRange(today, today)
    assert preset_range("7", today) == DateRange(date(2026, 2, 27), today)
    assert preset_range("30", today).first == date(2026, 2, 4)
    assert preset_range("month", today) == DateRange(date(2026, 3, 1), today)


def test_own_days_are_the_last_word(admin_client: Client, ring: Ring) -> None:
    ring(started_at=datetime(2026, 2, 3, 12, tzinfo=UTC))
    days = {"period": "own", "first": "2026-02-03", "last": "2026-02-03"}
    assert values(report(admin_client, **days).total)[0] == 1
    days = {"period": "own", "first": "2026-02-04", "last": "2026-02-05"}
    assert "No calls in these days" in admin_client.get(PAGE, days).content.decode()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"period": "year"}, "There is no such period."),
        ({"period": EVIL}, "There is no such period."),
        ({"bot": "99999999999999999999999"}, "There is no such bot."),
        ({"bot": "x"}, "There is no such bot."),
        ({"number": "+49123"}, "There is no such number."),
        ({"period": "own"}, "Choose the first and the last day."),
        ({"period": "own", "first": "2026-02-30", "last": ANY}, "This is no day"),
        ({"period": "own", "first": "2" * 9999, "last": ANY}, "This is no day"),
        ({"period": "own", "first": "1066-10-14", "last": ANY}, "a day after 1999"),
        ({"period": "own", "first": "2026-02-02", "last": "2026-02-01"}, "comes after"),
        ({"period": "own", "first": "2026-02-02", "last": "9999-12-31"}, "the future"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    admin_client: Client, ring: Ring, query: dict[str, Any], message: str
) -> None:
    given = {
        name: "2026-02-03" if value is ANY else value for name, value in query.items()
    }
    response = admin_client.get(PAGE, given)
    page = response.content.decode()
    assert response.status_code == 400
    assert message in page
    assert EVIL not in page
    assert "<svg viewBox" not in page


@pytest.mark.parametrize("query", [{"q": "x"}, {"bot__name": "x"}, {"format": "xml"}])
def test_unknown_parameters_are_refused(client: Client, query: dict[str, str]) -> None:
    client.force_login(staff("calls.view_call"))
    assert client.get(PAGE, query).status_code == 400


def test_the_file_has_one_row_for_each_bot_and_number(
    admin_client: Client, calls: None
) -> None:
    Bot.objects.filter(name="Night").update(name="=cmd()")
    response = admin_client.get(PAGE, {"period": "today", "format": "csv"})
    assert response["Content-Disposition"].startswith("attachment; filename=")
    rows = list(csv.DictReader(StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["bot"], row["number"], row["calls"]) for row in rows] == [
        ("Front desk", OURS, "3"),
        ("No bot", OURS, "1"),
        ("'=cmd()", OTHER, "1"),
    ]
    assert float(rows[0]["mean_length_s"]) == pytest.approx(80, abs=1)
    assert rows[0]["first_word_median_ms"] == ""


def test_who_may_not_view_calls_gets_no_statistics(client: Client) -> None:
    client.force_login(staff("bots.view_bot"))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 405 or client.post(PAGE).status_code == 403


def test_who_has_a_role_for_one_bot_sees_the_figures_of_that_one(
    client: Client, calls: None
) -> None:
    person = User.objects.create_user("one", is_staff=True)
    night = Bot.objects.get(name="Night")
    BotRole.objects.create(user=person, bot=night, role=BotRole.Role.VIEWER)
    client.force_login(person)
    found = report(client, period="30")
    assert table(found.bots) == {"Night": [2, 2, 0, 0, 1]}
    assert client.get(PAGE, {"bot": str(first_bot())}).status_code == 400
    assert "Front desk" not in client.get(PAGE, {"format": "csv"}).content.decode()


def test_numbers_that_are_not_ours_are_masked_for_viewers(
    client: Client, ring: Ring, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    PhoneNumber.objects.create(number=OURS)
    ring(to_number=OURS)
    ring(to_number="+4915112345678")
    client.force_login(staff("calls.view_call"))
    for query in ({}, {"format": "csv"}):
        shown = client.get(PAGE, query).content.decode()
        assert "5112345678" not in shown
        assert OURS in shown


def test_spellings_of_our_number_are_one_number() -> None:
    ours = [OURS, "+4930123456"]
    for called in (OURS, "14155550100", "sip:14155550100@x", "tel:+1-415-555-0100"):
        assert our_number(called, ours) == OURS
    assert our_number("030123456", ours) == "+4930123456"
    assert our_number("101", ours) == "101"


def test_names_of_bots_are_never_markup(admin_client: Client, ring: Ring) -> None:
    ring(bot=Bot.objects.create(name=f"{EVIL}{{{{ 1 }}}}"), to_number=EVIL)
    page = admin_client.get(PAGE).content.decode()
    assert "alert(1)" in page
    assert "<script>alert" not in page
    ours = page[page.index('<div class="statistics">') : page.index("</main>")]
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script", ours)


def test_the_page_needs_few_queries(
    admin_client: Client,
    ring: Ring,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        bot = Bot.objects.create(name=f"Bot {number}")
        PhoneNumber.objects.create(number=f"+1415555{number:04}", bot=bot)
        answer(ring(bot=bot, turn_count=2, to_number=f"+1415555{number:04}"))
    admin_client.get(PAGE)
    with django_assert_max_num_queries(14):
        report(admin_client, period="30")


def test_the_bars_of_a_column_stand_on_each_other() -> None:
    counts = [Counter(completed=3, failed=1), Counter[str](), Counter(refused=10)]
    drawing = draw(["Mon", "Tue", "Wed"], counts, queries.STACKED)
    first, second, third = drawing.bars
    assert [bar.figure for bar in drawing.bars] == ["completed", "failed", "refused"]
    assert second.y + second.height == pytest.approx(first.y, abs=0.2)
    assert third.height > first.height
    assert first.title == "Mon: 3 completed"
    for bar in drawing.bars:
        assert 0 <= bar.x < bar.x + bar.width <= WIDTH
        assert 0 <= bar.y < bar.y + bar.height <= HEIGHT
    assert draw(["Mon"], [Counter()], queries.STACKED).bars == ()


def test_the_docs_define_each_figure_as_the_pages_do() -> None:
    docs = (Path(project.BASE_DIR) / "docs/operations.md").read_text()
    for figure in figures.FIGURES:
        assert f"| {figure.title} | {figure.meaning} |" in docs


def test_figures_name_conditions_that_calls_have() -> None:
    for figure in figures.FIGURES:
        Call.objects.filter(**figure.conditions).exists()
    open_statuses = {status.value for status in Call.Status} - set(Call.OVER)
    assert set(figures.OPEN.conditions["status__in"]) == open_statuses
    statuses = [figure.conditions.get("status") for figure in queries.STACKED]
    assert {*filter(None, statuses)} | open_statuses == {*Call.Status}
