"""The first page: right figures, each with its calls; quick and safe."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from bots.models import Bot, PhoneNumber
from calls.console.dashboard.period import hours_of, latest_days, parse_day
from calls.console.dashboard.statistics import (
    MAX_RESPONSES,
    answer_times,
    by_hour,
    percentile,
    usual_answer_times,
)
from calls.models import Call
from tests.support.pages.dashboard import (
    Ring,
    answer,
    chart,
    home,
    listed_count,
    staff,
    text,
)
from tests.support.pages.dashboard import bot as bot
from tests.support.pages.dashboard import ring as ring

pytestmark = pytest.mark.django_db


EVIL = "<script>alert(1)</script>"


def many_kinds_of_calls(ring: Ring) -> None:
    other = Bot.objects.create(name="Störungen")
    gone = Bot.objects.create(name="Gone")
    for ago in (timedelta(), timedelta(days=1), timedelta(days=13)):
        ring(ago)
        ring(ago, was_interrupted=True, bot=other)
        ring(ago, status="failed", end_reason="bot-failed")
        ring(ago, status="in-progress", ended_at=None, bot=gone, bot_name="Gone")
        ring(ago, status="refused", end_reason="no-bot", bot=None, bot_name="")
        ring(ago, status="failed", end_reason="never-connected", answered_at=None)
        ring(ago, is_test=True)
    Call.objects.filter(bot=None).update(answered_at=None)
    ring(timedelta(days=15))
    gone.delete()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_every_figure_leads_to_exactly_its_calls(
    admin_client: Client, ring: Ring, settings: Settings, zone: str
) -> None:
    settings.TIME_ZONE = zone
    many_kinds_of_calls(ring)
    count_of = cache(partial(listed_count, admin_client))  # several share a link
    for query in ("", f"?day={timezone.localdate()}"):
        shown = home(admin_client, query)
        cells = [*shown["today"].values(), *shown["week"].values(), shown["now"]]
        for drawn in shown["charts"]:
            if drawn.slug != "latency":
                cells += [cell for _, row in drawn.rows for cell in row]
        assert sum(bool(cell.value) for cell in cells) > 15
        for cell in cells:
            if cell.value or cell in cells[:12]:
                assert count_of(cell.link) == cell.value


def test_calls_are_counted_by_what_became_of_them(
    admin_client: Client, ring: Ring
) -> None:
    many_kinds_of_calls(ring)
    drawn = chart(admin_client, "calls")
    sums = {
        series.name: sum(cell.value or 0 for cell in series.cells)
        for series in drawn.series
    }
    assert sums == {
        "Calls": 18,
        "Answered": 12,
        "Completed": 6,
        "Failed": 6,
        "Refused": 3,
        "Still open": 3,
        "Interrupted": 3,
    }
    assert home(admin_client)["now"].value == 3


def test_bots_are_distinguished_even_when_deleted(
    admin_client: Client, ring: Ring
) -> None:
    many_kinds_of_calls(ring)
    rows = {label: row[0].value for label, row in chart(admin_client, "bots").rows}
    assert rows == {
        "Front desk": 9,
        "Gone (deleted)": 3,
        "No bot": 3,
        "Störungen": 3,
    }


def test_a_chosen_day_leaves_today_and_the_week_as_they_are(
    admin_client: Client, ring: Ring
) -> None:
    many_kinds_of_calls(ring)
    latest, by_the_hour = (
        home(admin_client, query) for query in ("", f"?day={timezone.localdate()}")
    )
    for name in ("today", "week"):
        assert latest[name] == by_the_hour[name]
        assert latest[name]["calls"].value >= 6


def test_a_renamed_bot_is_one_bot(admin_client: Client, ring: Ring, bot: Bot) -> None:
    ring()
    Bot.objects.update(name="Reception")
    ring(bot_name="Reception")
    [(name, row)] = chart(admin_client, "bots").rows
    assert (name, row[0].value) == ("Reception", 2)


def test_answer_times_are_of_the_models_answers(
    admin_client: Client, ring: Ring
) -> None:
    call = ring(slowest_response_ms=2000)
    for ms in (400, 500, 600, 2000):
        answer(call, latency_ms={"play_sent": ms})
    answer(call, latency_ms={"play_sent": 9000}, model="")  # a greeting
    for odd in ("soon", None, True, -1, [9000], {"a": 1}):
        answer(call, latency_ms={"play_sent": odd})
    answer(call, latency_ms={})
    answer(call, latency_ms=[])
    answer(ring(is_test=True), latency_ms={"play_sent": 9000})
    half, slow = chart(admin_client, "latency").rows[-1][1]
    assert (half.text, slow.text) == ("0.50 s", "2.00 s")
    assert listed_count(admin_client, half.link) == 1
    assert listed_count(admin_client, slow.link) == 1
    shown = home(admin_client)
    assert (shown["half"].text, shown["slow"].text) == ("0.50 s", "2.00 s")


def test_a_model_has_the_usual_delay_of_its_latest_answers(
    admin_client: Client, ring: Ring, bot: Bot
) -> None:
    call = ring()
    for ms in (400, 940, 5000):
        answer(call, latency_ms={"play_sent": ms})
    answer(call, latency_ms={"play_sent": 9000}, model="")  # a greeting
    answer(call, latency_ms={"play_sent": "soon"}, model="other/model")
    assert usual_answer_times() == {"openai/gpt-4.1-mini": 0.9}
    page = admin_client.get(f"/admin/bots/bot/{bot.pk}/change/").content.decode()
    assert '{"openai/gpt-4.1-mini": 0.9}' in page


def test_a_day_without_answers_has_no_answer_time(
    admin_client: Client, ring: Ring
) -> None:
    answer(ring(), latency_ms={"play_sent": 700})
    [before, _] = chart(admin_client, "latency").rows[-2][1]
    assert before.value is None
    assert before.text == "-"


def test_of_too_many_answers_every_nth_calls_are_read(ring: Ring) -> None:
    calls = [ring() for _ in range(9)]
    for call in calls:
        answer(call, latency_ms={"play_sent": 700})
    period = latest_days(timezone.localdate())
    real = Call.objects.real()
    assert len(answer_times(real, period, by_hour(real, period))) == 9
    Call.objects.update(turn_count=2 * MAX_RESPONSES // 3)
    assert len(answer_times(real, period, by_hour(real, period))) == 3


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
    ],
)
def test_percentile(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


def test_a_day_is_shown_by_the_hour(admin_client: Client, ring: Ring) -> None:
    day = timezone.localdate() - timedelta(days=3)
    noon = datetime(day.year, day.month, day.day, 12, 5, tzinfo=UTC)
    ring(started_at=noon)
    drawn = chart(admin_client, "calls", f"?day={day}")
    assert len(drawn.rows) == 24
    label, cells = drawn.rows[12]
    assert (label, cells[0].value) == ("12:00", 1)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 24), (date(2026, 7, 1), 24)],
)
def test_the_clocks_may_change(settings: Settings, day: date, hours: int) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    period = hours_of(day)
    assert len(period.buckets()) == hours
    assert len({period.label(begin) for begin, _ in period.buckets()}) == hours
    for index, (begin, end) in enumerate(period.buckets()):
        assert begin < end
        assert period.bucket_of(begin) == index
        assert period.bucket_of(end - timedelta(microseconds=1)) == index


@pytest.mark.parametrize(
    "asked", ["", "yesterday", "0001-01-01", "9999-12-31", EVIL, "2" * 99_999]
)
def test_what_is_no_day_gives_the_latest_days(
    admin_client: Client, ring: Ring, asked: str
) -> None:
    ring()
    assert parse_day(asked, timezone.localdate()) is None
    page = admin_client.get("/admin/", {"day": asked})
    assert page.status_code == 200
    assert ("That is not a day" in page.content.decode()) == bool(asked)
    assert len(page.context["home"]["charts"][0].rows) == 14


def test_the_page_needs_few_queries(
    client: Client, ring: Ring, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    seeing = ("calls.view_call", "bots.view_bot", "bots.view_phonenumber")
    client.force_login(staff(*seeing))
    for number in range(40):
        call = ring(timedelta(hours=number))
        answer(call, latency_ms={"play_sent": 700})
        lost = Bot.objects.create(name=f"Bot {number}", is_active=False)
        PhoneNumber.objects.create(number=f"+1415555{number:04}", bot=lost)
    home(client, "")  # the first page stores something in the session
    for query in ("", f"?day={timezone.localdate()}"):
        with django_assert_max_num_queries(34):
            home(client, query)
    Call.objects.update(started_at=timezone.now() - timedelta(days=99))
    with django_assert_max_num_queries(34):
        home(client)
    Call.objects.all().delete()
    with django_assert_max_num_queries(34):
        home(client)


def test_who_may_not_view_calls_sees_no_figures(client: Client, ring: Ring) -> None:
    ring(status="failed", end_reason="bot-failed")
    person = staff("bots.view_bot", "bots.view_phonenumber")
    client.force_login(person)
    assert home(client).keys() == {"setup", "problems"}
    page = text(client)
    assert "home-charts" not in page
    assert "failed today" not in page
    person.user_permissions.set([Permission.objects.get(codename="view_call")])
    assert "1 call failed today" in text(client)


def test_users_who_may_see_neither_bots_nor_calls_see_nothing(
    client: Client, settings: Settings
) -> None:
    settings.DEBUG = True
    client.force_login(staff("auth.view_group"))
    shown = home(client)
    assert shown["problems"] == []
    assert not shown["setup"].is_shown


def test_names_of_bots_and_numbers_are_never_markup(
    admin_client: Client, ring: Ring
) -> None:
    evil = Bot.objects.create(name=f"{EVIL}</script>\u202e{{{{ 1 }}}}", is_active=False)
    PhoneNumber.objects.create(number="+14155550100", bot=evil, label=EVIL)
    ring(bot=evil)
    ring(bot=None, bot_name=EVIL)
    page = text(admin_client)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "{{ 1 }}" in page
    drawings = re.search(r'id="home-charts"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert drawings
    labels = json.loads(drawings[1])[2]["labels"]
    assert evil.name in labels


def test_nothing_is_inline_and_all_files_are_ours(
    admin_client: Client, ring: Ring
) -> None:
    ring()
    page = text(admin_client)
    ours = page[page.index('<div id="home">') : page.index("</main>")]
    assert not re.search(r"\son\w+=|\sstyle=|<style", ours)
    scripts = re.findall(r"<script([^>]*)>", ours)
    assert scripts == [' id="home-charts" type="application/json"']
    for source in re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page):
        assert source.startswith("/static/")


def test_the_chart_library_is_shipped_as_published() -> None:
    vendor = Path(project.BASE_DIR) / "calls/static/calls/vendor"
    assert "Chart.js v4." in (vendor / "chart.umd.min.js").read_text()[:60]
    assert "MIT" in (vendor / "chart.LICENSE.md").read_text()
