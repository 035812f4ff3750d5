"""The filters of the list of calls: chips, the menu, and the days of a period."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot, PhoneNumber
from calls.admin.started_filter import PERIODS, days_of
from calls.models import Call
from calls.review import handling
from tests.support.pages.calls import LIST, listed_calls, make_call, tag
from tests.support.pages.calls import viewer as viewer
from tests.support.versions import member

pytestmark = pytest.mark.django_db


def chips_of(client: Client, query: str) -> dict[str, tuple[str, str]]:
    """The chips by title: value and the link that removes each."""
    response: Any = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, query
    found = response.context["cl"].chips
    return {chip.title: (chip.value, chip.remove) for chip in found}


@pytest.mark.parametrize(
    ("query", "title", "value"),
    [
        ("status__exact=failed", "Status", "Failed"),
        ("end_reason__exact=busy", "End reason", "Too many calls at once"),
        ("had_error__exact=1", "Error", "Yes"),
        ("bot__isnull=True", "Bot", "No bot"),
        ("outcome__exact=Booked", "Outcome", "Booked"),
        ("outcome__exact=of+old", "Outcome", "of old"),
        ("slowest_response_ms__gte=5000", "Slowest answer", "Over 5 seconds"),
        ("slowest_response_ms__gte=812", "Slowest answer", "812"),
        ("is_test__exact=all", "Test calls", "Shown"),
        ("handled_at__isnull=True", "Handled", "Not handled"),
        ("note=yes", "Note", "With a note"),
        ("recording=yes", "Recording", "Can be heard"),
        ("when=this-week", "Started", "This week"),
        ("since=2026-11-03", "Started", "from 3 Nov 2026"),
        (
            "since=2026-11-03&until=2026-11-05",
            "Started",
            "from 3 Nov 2026 to 5 Nov 2026",
        ),
        ("since=2026-11-03&until=2026-11-03", "Started", "3 Nov 2026"),
        ("answered_at__isnull=False", "Answered", "Yes"),
        ("bot_name__exact=Gone", "Bot", "Gone"),
        ("started_at__hour=9", "Hour", "9:00 to 9:59"),
        (
            "started_at__gte=2026-11-03+00:00:00%2B00:00",
            "Started",
            "from 3 Nov 2026, 00:00",
        ),
        ("status__in=ringing,in-progress", "Status", "Ringing or In progress"),
    ],
)
def test_a_filter_that_is_on_is_a_chip_that_takes_it_away(
    viewer: Client, query: str, title: str, value: str
) -> None:
    Bot.objects.create(name="Desk", outcomes="Booked")
    shown, remove = chips_of(viewer, f"{query}&had_error__exact=0&q=tea")[title]
    if title != "Error":
        assert shown == value
        left = chips_of(viewer, f"{remove.removeprefix('?')}")
        assert left.keys() == {"Error"}
    assert "q=tea" in remove


def test_defaults_are_no_chips(viewer: Client) -> None:
    for query in ("", "is_test__exact=0", "q=tea", "p=1", "o=1", "outcome__exact="):
        assert chips_of(viewer, query) == {}


def test_a_chip_leaves_other_filters_alone(viewer: Client) -> None:
    PhoneNumber.objects.create(number="+14155550100", label="Desk")
    query = "to_number__exact=%2B14155550100&until=2026-01-01"
    chips = chips_of(viewer, query)
    assert chips["Number called"][0] == "+14155550100 Desk"
    assert "to_number" in chips["Started"][1]


def test_the_menu_offers_every_filter_and_marks_the_chosen_one(viewer: Client) -> None:
    response: Any = viewer.get(f"{LIST}?status__exact=failed")
    menus = {menu.title: menu for menu in response.context["cl"].menus}
    chosen = [choice for choice in menus["Status"].choices if choice["selected"]]
    assert [str(choice["display"]) for choice in chosen] == ["Failed"]
    assert [title for title in menus if menus[title].has_days] == ["Started"]
    page = response.content.decode()
    assert 'aria-label="Remove the filter Status: Failed"' in page
    assert "changelist-filter" not in page


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-03-04", "2026-03-04"),
        ("yesterday", "2026-03-03", "2026-03-03"),
        ("this-week", "2026-03-02", "2026-03-04"),
        ("last-week", "2026-02-23", "2026-03-01"),
        ("past-7-days", "2026-02-26", "2026-03-04"),
        ("past-30-days", "2026-02-03", "2026-03-04"),
        ("this-month", "2026-03-01", "2026-03-04"),
        ("last-month", "2026-02-01", "2026-02-28"),
    ],
)
def test_periods_are_counted_from_today(period: str, first: str, last: str) -> None:
    days = days_of(period, date(2026, 3, 4))
    assert [str(day) for day in days] == [first, last]
    assert period in PERIODS


def test_days_are_whole_days_where_the_server_is(
    viewer: Client, settings: Settings
) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    starts = [(3, 14, 59), (3, 15, 0), (4, 14, 59), (4, 15, 0)]
    calls = [
        make_call(n, started_at=datetime(2025, 6, *start, tzinfo=UTC))
        for n, start in enumerate(starts)
    ]
    day = listed_calls(viewer, "since=2025-06-04&until=2025-06-04")
    assert day == {calls[1].pk, calls[2].pk}
    assert listed_calls(viewer, "until=2025-06-03") == {calls[0].pk}


def test_a_period_moves_on_with_the_days(viewer: Client) -> None:
    today = make_call(1, started_at=timezone.now())
    make_call(2, started_at=timezone.now() - timedelta(days=60))
    assert listed_calls(viewer, "when=past-7-days") == {today.pk}
    assert listed_calls(viewer, "when=last-week&since=2000-01-01") == set()


@pytest.mark.parametrize("query", ["when=tomorrow", "since=x", "until=2026-02-30"])
def test_days_that_do_not_exist_are_refused(viewer: Client, query: str) -> None:
    assert viewer.get(f"{LIST}?{query}")["Location"] == f"{LIST}?e=1"


def test_handled_tags_and_notes_are_filters(client: Client) -> None:
    user = member("operator")
    client.force_login(user)
    calls = [make_call(n) for n in range(3)]
    handling.mark_handled(Call.objects.filter(pk=calls[0].pk), user)
    handling.add_tag(calls[1], "call back", user)
    handling.add_note(calls[2], "Asked twice.", user)
    handling.add_note(calls[2], "And again.", user)
    assert listed_calls(client, "handled_at__isnull=False") == {calls[0].pk}
    assert listed_calls(client, "handled_at__isnull=True") == {c.pk for c in calls[1:]}
    assert listed_calls(client, "tag=call+back") == {calls[1].pk}
    assert listed_calls(client, "tag=unknown") == set()
    assert listed_calls(client, "note=yes") == {calls[2].pk}


def test_calls_that_can_be_heard_are_found(client: Client) -> None:
    client.force_login(member("viewer"))
    heard, failed, deleted, _ = calls = [make_call(n) for n in range(4)]
    for call, status in zip(calls, ("completed", "failed", "deleted"), strict=False):
        call.recordings.create(status=status, started_at=call.started_at)
    failed.recordings.create(status="absent", started_at=failed.started_at)
    assert listed_calls(client, "recording=yes") == {heard.pk}
    assert listed_calls(client, "recording=failed") == {failed.pk}
    everything = {call.pk for call in calls}
    assert listed_calls(client, "recording=odd") == everything
    assert deleted.pk in everything


def test_tags_with_a_number_are_offered_to_those_who_see_numbers(
    client: Client, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    call, name = make_call(1), "back +14155550123"
    tag(call, name)
    query = "tag=back+%2B14155550123"
    client.force_login(member("operator"))
    assert listed_calls(client, query) == {call.pk}
    client.force_login(member("viewer"))
    assert listed_calls(client, query) == set()
    assert "%2B14155550123" not in client.get(LIST).content.decode()
