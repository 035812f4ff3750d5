"""Calls at the desk: found, filtered, listened to, exported, summarised."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from bots.models import Bot, PhoneNumber
from bots.profile import Profile
from calls import listing, summary
from calls.dates import drill
from calls.lifecycle import close_call
from calls.models import Call, Turn
from calls.playback import Clip, Playback, spoken_by_carrier
from calls.reaping import Reaper
from calls.review import parts_of
from calls.search import excerpt_of, words_of
from calls.switchboard import switchboard
from calls.transcripts import CallOver, TurnWrite, write_all
from calls.turns import Turn as SpokenTurn
from tests.fake_inworld import FakeInworld
from tests.live import LiveServer
from tests.test_live import closed, dial

pytestmark = pytest.mark.django_db
LIST = "/admin/calls/call/"
START = timezone.now() - timedelta(minutes=2)


def make_call(number: int = 1, **values: Any) -> Call:
    usual = {
        "call_sid": f"CA{number:032x}",
        "from_number": f"+1415555{number:04}",
        "to_number": "+14155550100",
        "status": Call.Status.COMPLETED,
        "end_reason": Call.EndReason.CALLER_HUNG_UP,
        "started_at": START + timedelta(seconds=number),
        "answered_at": START,
        "ended_at": START + timedelta(seconds=83),
    }
    return Call.objects.create(**{**usual, **values})


def say(call: Call, role: str, text: str, **values: Any) -> Turn:
    usual = {"started_at": START, "ended_at": START, "heard_text": text}
    index = call.turns.count()
    return Turn.objects.create(
        call=call, index=index, role=role, text=text, **{**usual, **values}
    )


def found(client: Client, query: str) -> set[int]:
    """The calls a list shows."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response.headers
    return {call.pk for call in response.context["cl"].result_list}


@pytest.fixture
def viewer(client: Client) -> Client:
    """Somebody who may read calls and nothing else."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_call"))
    client.force_login(user)
    return client


# What a call's turns tell its lists


def told(call: Call) -> tuple[Any, ...]:
    call.refresh_from_db()
    return tuple(getattr(call, name) for name in summary.FIELDS)


def test_the_last_write_of_a_call_tells_its_lists_what_was_said() -> None:
    call = make_call(status="in-progress", end_reason="", ended_at=None)
    spoken = [
        SpokenTurn(0, "bot", 0.0, "Hello.", latency_ms={"play_sent": 9000}),
        SpokenTurn(1, "caller", 1.0, "Hi."),
        SpokenTurn(2, "bot", 2.0, "Yes?", interrupted=True, latency_ms={}),
        SpokenTurn(3, "bot", 3.0, "So.", latency_ms={"play_sent": 2100}, error="x"),
    ]
    writes = [TurnWrite(call.pk, turn, lambda _: START) for turn in spoken]
    over = CallOver(call.pk, Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP, START)
    write_all([over, *writes])
    assert told(call) == (4, 2100, True, True, False)
    write_all([TurnWrite(call.pk, SpokenTurn(4, "bot", 4.0, "Bye."), lambda _: START)])
    write_all([over])  # the line is gone after the bot hung up: counted again
    assert told(call) == (5, 2100, True, True, False)


async def test_whoever_closes_a_call_tells_its_lists(transactional_db: None) -> None:
    ending = {"status": "in-progress", "end_reason": "", "ended_at": None}
    one, two = [await sync_to_async(make_call)(n, **ending) for n in (1, 2)]
    for call in (one, two):
        await sync_to_async(say)(call, "bot", "Hello.")
    assert await close_call(one.call_sid, "failed", Call.EndReason.BOT_FAILED)
    await Call.objects.filter(pk=two.pk).aupdate(seen_at=START - timedelta(days=1))
    reaper = Reaper()
    assert [await sync_to_async(reaper.look)() for _ in range(2)] == [0, 1]
    assert await sync_to_async(told)(one) == (1, None, False, True, True)
    assert await sync_to_async(told)(two) == (1, None, False, False, True)


def test_a_call_no_bot_took_is_not_a_silent_one() -> None:
    call = make_call(status="refused", answered_at=None)
    summary.note([call.pk])
    assert told(call) == (0, None, False, False, False)


def test_calls_that_ended_before_an_upgrade_are_told_like_new_ones() -> None:
    calls = [make_call(n, end_reason="bot-failed") for n in range(3)]
    for call in calls[1:]:
        say(call, "bot", "Hello.", latency_ms={"play_sent": 9000})
    say(calls[2], "caller", "Hi.")
    say(calls[2], "bot", "So.", interrupted=True, latency_ms={"play_sent": 2100.4})
    going_on = make_call(7, status="in-progress", ended_at=None)
    say(going_on, "bot", "Hello.")
    import_module("calls.migrations.0003_fill_what_the_desk_lists").fill(apps, None)
    filled = [told(call) for call in calls]
    summary.note(call.pk for call in calls)
    assert filled == [told(call) for call in calls]
    assert filled[2] == (3, 2100, True, True, False)
    assert told(going_on)[0] == 0


@pytest.mark.parametrize("odd", ["soon", True, None, -5, 10**12, float("nan")])
def test_odd_latencies_are_no_waits(odd: object) -> None:
    turns = [Turn(role="caller"), Turn(role="bot", latency_ms={"play_sent": odd})]
    assert summary.slowest_ms(turns) is None


# Sound


def test_a_reply_knows_the_clips_that_were_heard() -> None:
    playback = Playback()
    for number in range(3):
        playback.add(1, Clip(f"c{number}", "/audio", "Yes.", 1.0), at=0.0)
    playback.add(1, spoken_by_carrier("No."), at=0.0)
    playback.add(2, Clip("other", "/audio", "Yes.", 1.0), at=0.0)
    assert playback.clip_ids(1) == ["c0", "c1", "c2"]
    playback.interrupt(1.5, None, since=9.0)
    assert playback.clip_ids(1) == ["c0", "c1"]


def sound(call: Call, position: int = 0, index: int = 0) -> str:
    return f"{LIST}{call.pk}/turns/{index}/{position}.wav"


def test_a_clip_is_heard_while_it_lives_by_those_who_may_read_calls(
    viewer: Client,
) -> None:
    call = make_call()
    say(call, "bot", "Hello.", clip_ids=["kept", "gone"], model="some/model")
    async_to_sync(switchboard().clips.put)("kept", b"RIFF", 60.0)
    response = viewer.get(sound(call))
    assert (response.content, response["Content-Type"]) == (b"RIFF", "audio/wav")
    for address in (sound(call, 1), sound(call, 2), sound(call, 0, 1)):
        response = viewer.get(address)
        assert response.status_code == 404
        assert response.content == b"The sound of this is no longer kept."
    page = viewer.get(f"{LIST}{call.pk}/change/").content.decode()
    assert f'data-clips="{sound(call)} {sound(call, 1)} "' in page
    assert Client().get(sound(call)).status_code == 403
    User.objects.update(is_staff=False)
    assert viewer.get(sound(call)).status_code == 403


def test_nothing_is_offered_to_listen_to_that_has_surely_expired(
    viewer: Client,
) -> None:
    old = timezone.now() - timedelta(hours=1)
    call = make_call()
    say(call, "bot", "Hello.", clip_ids=["a"], ended_at=old)  # a fixed sentence
    say(call, "bot", "So.", clip_ids=["b"], ended_at=old, model="some/model")
    page = viewer.get(f"{LIST}{call.pk}/change/").content.decode()
    assert sound(call, index=0) in page
    assert sound(call, index=1) not in page


@pytest.mark.django_db(transaction=True)
async def test_an_operator_hears_a_call_without_seeming_to_be_the_carrier(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("We open at nine.", "Shall I book a table?")
    async with dial(server) as line:
        await line.reply()
        await line.say("When do you open?")
        await line.reply()
    call = await closed(line.call_sid)
    greeting, _, answer = [turn async for turn in call.turns.order_by("index")]
    assert (len(greeting.clip_ids), len(answer.clip_ids)) == (1, 2)
    assert await sync_to_async(told)(call) != (0, None, False, False, False)
    user = await User.objects.acreate(username="a", is_staff=True, is_superuser=True)
    client = Client()
    await sync_to_async(client.force_login)(user)
    cookies = {"sessionid": client.cookies["sessionid"].value}
    async with httpx.AsyncClient(base_url=server.url, cookies=cookies) as desk:
        for index, position in ((0, 0), (2, 0), (2, 1)):
            response = await desk.get(sound(call, position, index))
            assert response.headers["Content-Type"] == "audio/wav"
            assert response.content.startswith(b"RIFF")
        response = await desk.get(f"{LIST}export.jsonl")
    assert json.loads(response.text)["call_sid"] == call.call_sid


# The list


@pytest.fixture
def three() -> list[Call]:
    """Three calls of two bots, one of which is gone."""
    bot = Bot.objects.create(name="Front desk")
    gone = Bot.objects.create(name="Night porter")
    calls = [
        make_call(1, bot=bot, bot_name=bot.name),
        make_call(2, bot=gone, bot_name=gone.name, from_number="sip:anna@example.com"),
        make_call(3, from_number="+4930123456"),
    ]
    gone.delete()
    say(calls[0], "caller", "I want to return my coat.")
    say(calls[0], "bot", "Which coat? The blue one's gone.")
    say(calls[1], "caller", "The coat rack fell.")
    say(calls[2], "caller", "Bonjour, 4711 s'il vous plaît.")
    return calls


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("coat", {1, 2}),
        ("COA", {1, 2}),
        ("coat rack", {2}),
        ("return gone", {1}),  # in two turns of one call
        ("coat zebra", set()),
        ("front", {1}),
        ("night coat", {2}),  # a bot that was deleted
        ("anna@", {2}),
        ("+49 (30) 123-456", {3}),
        ("123456", {3}),
        ("4711", {3}),
        ("CA" + "0" * 31 + "2", {2}),
        ("one's", {1}),
        ("  ", {1, 2, 3}),
    ],
)
def test_calls_are_found_by_words_numbers_and_bots(
    viewer: Client, three: list[Call], query: str, numbers: set[int]
) -> None:
    response = viewer.get(LIST, {"q": query})
    shown = {call.pk for call in response.context["cl"].result_list}
    assert shown == {three[number - 1].pk for number in numbers}


@pytest.mark.parametrize(
    "query",
    ["'", "\\", "':*", "a & | !", "%", "_", "<b>", "\u202e", "(" * 50, "é" * 9000],
)
def test_no_search_breaks_the_list(
    viewer: Client, three: list[Call], query: str
) -> None:
    assert viewer.get(LIST, {"q": query}).status_code == 200
    assert viewer.get(LIST, {"q": f"coat {query}"}).status_code == 200


def test_the_list_shows_where_a_word_was_said(
    viewer: Client, three: list[Call]
) -> None:
    page = viewer.get(LIST, {"q": "coat"}).content.decode()
    assert "I want to return my <mark>coat</mark>." in page
    assert "The <mark>coat</mark> rack fell." in page
    assert "<mark>" not in viewer.get(LIST).content.decode()


def test_an_excerpt_begins_with_a_word_and_is_short() -> None:
    text = "bobcat " * 20 + "the cat " + "sat " * 20
    before, hit, after = excerpt_of(text, ["cat"]) or ("", "", "")
    assert (before[-4:], hit, after[:4]) == ("the ", "cat", " sat")
    assert len(before) + len(after) < 90
    assert excerpt_of("nothing", ["cat"]) is None


def test_a_pasted_number_is_one_word() -> None:
    assert words_of("+1 (415) 555-0100") == ["+14155550100"]
    assert words_of("call 12 call") == ["call", "12"]
    assert len(words_of(" ".join(map(str, range(99))) + "a")) == 8


def test_a_search_counts_no_further_than_anybody_reads(
    viewer: Client, three: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 1)
    response = viewer.get(LIST, {"q": "coat"})
    assert response.context["cl"].result_count == 1
    assert "calls were found" in response.content.decode()
    assert viewer.get(LIST).context["cl"].result_count == 3


def test_test_calls_are_hidden_until_asked_for(viewer: Client) -> None:
    real, test = make_call(1), make_call(2, is_test=True)
    assert found(viewer, "") == found(viewer, "is_test__exact=0") == {real.pk}
    assert found(viewer, "is_test__exact=1") == {test.pk}
    assert found(viewer, "is_test__exact=all") == {real.pk, test.pk}


@pytest.mark.parametrize(
    "query",
    [
        "was_interrupted__exact=1",
        "had_error__exact=1",
        "was_silent__exact=1",
        "slowest_ms__gte=5000",
        "to_number__exact=%2B14155550101",
        "status__exact=failed",
        "end_reason__exact=bot-failed",
        "direction__exact=outbound-api",
        "started_at__year=2025&started_at__month=3&started_at__day=9",
    ],
)
def test_every_filter_finds_its_calls(viewer: Client, query: str) -> None:
    PhoneNumber.objects.create(number="+14155550101")
    make_call(1, slowest_ms=4999)
    special = make_call(
        2,
        was_interrupted=True,
        had_error=True,
        was_silent=True,
        slowest_ms=5000,
        to_number="+14155550101",
        status="failed",
        end_reason="bot-failed",
        direction="outbound-api",
        started_at=datetime(2025, 3, 9, 23, 59, tzinfo=UTC),
    )
    assert found(viewer, query) == {special.pk}
    page = viewer.get(f"{LIST}?{query}").content.decode()
    assert all(f'<span class="badge {b}">' in page for b in ("error", "silent"))
    assert "5.0 s" in page


@pytest.mark.parametrize(
    "query",
    ["slowest_ms__gte=x", "is_test__exact=x", "to_number__exact=", "p=x", "p=99"],
)
def test_odd_filters_are_borne(viewer: Client, query: str) -> None:
    make_call()
    assert viewer.get(f"{LIST}?{query}").status_code in (200, 302)
    assert viewer.get(f"{LIST}export.csv?{query}").status_code in (200, 404)


@pytest.mark.parametrize("query", ["", "q=hello", "q=hello+4711&slowest_ms__gte=2000"])
def test_a_full_list_needs_few_queries(
    admin_client: Client,
    query: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(60):
        bot = Bot.objects.create(name=f"Bot {number}")
        call = make_call(number, bot=bot, bot_name=bot.name, slowest_ms=2500)
        say(call, "caller", "Hello 4711")
    with django_assert_max_num_queries(12):
        assert len(found(admin_client, query)) == 50


FIRST, LAST = date(2024, 11, 30), date(2025, 2, 2)


def steps(asked: dict[str, str], first: date = FIRST) -> list[str]:
    way = drill(asked, "at", first, LAST)
    assert way
    return [way.back.title if way.back else "", *(link.title for link in way.choices)]


def test_dates_are_drilled_down_to_a_day() -> None:
    assert steps({}) == ["", "2024", "2025"]
    assert steps({}, date(2025, 1, 9)) == ["", "January 2025", "February 2025"]
    assert steps({"at__year": "2024"}) == [
        *("All dates", "November 2024", "December 2024")
    ]
    february = {"at__year": "2025", "at__month": "2"}
    assert steps(february) == ["2025", "1 February", "2 February"]
    assert steps({**february, "at__day": "2"}) == ["February 2025"]
    way = drill({**february, "q": "a&b", "p": "3"}, "at", FIRST, LAST)
    assert way
    assert way.choices[0].query == "?q=a%26b&at__year=2025&at__month=2&at__day=1"
    for odd in (
        {"at__year": "x"},
        {"at__year": "0"},
        {"at__year": "1", "at__day": "99"},
    ):
        assert drill(odd, "at", FIRST, LAST) is None


# Files


def downloaded(response: Any) -> str:
    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content).decode()


def test_a_viewer_exports_a_selection_and_all_that_match(viewer: Client) -> None:
    calls = [make_call(number) for number in range(3)]
    say(calls[1], "caller", "=1+1")
    chosen = {"action": "export_json", "_selected_action": [calls[1].pk, calls[2].pk]}
    lines = downloaded(viewer.post(LIST, chosen)).splitlines()
    assert {json.loads(line)["call_sid"] for line in lines} == {
        *(call.call_sid for call in calls[1:])
    }
    everything = downloaded(viewer.get(f"{LIST}export.csv?status__exact=completed"))
    rows = list(csv.DictReader(io.StringIO(everything)))
    assert [row["call_sid"] for row in rows] == [
        *(call.call_sid for call in reversed(calls))
    ]
    assert rows[1]["turn_text"] == "'=1+1"
    assert downloaded(viewer.get(f"{LIST}export.jsonl?status__exact=failed")) == ""


def test_one_call_is_exported(viewer: Client) -> None:
    call = make_call()
    say(call, "caller", "Hi\u2028there")
    record = json.loads(downloaded(viewer.get(f"{LIST}{call.pk}/export.json")))
    assert record["turns"][0]["text"] == "Hi\u2028there"
    assert "CA" in downloaded(viewer.get(f"{LIST}{call.pk}/export.csv"))
    for path in ("999/export.csv", f"{call.pk}/export.pdf", "export.csv?nonsense=1"):
        assert viewer.get(f"{LIST}{path}").status_code == 404


def test_only_those_who_may_read_calls_export_them(client: Client) -> None:
    call = make_call()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for path in ("export.csv", f"{call.pk}/export.json"):
        assert client.get(f"{LIST}{path}").status_code == 403


def test_a_viewer_deletes_nothing(viewer: Client) -> None:
    call = make_call()
    viewer.post(LIST, {"action": "delete_selected", "_selected_action": call.pk})
    assert viewer.get(f"{LIST}{call.pk}/delete/").status_code == 403
    assert Call.objects.exists()


# The page of a call


def page_of(client: Client, call: Call) -> str:
    return client.get(f"{LIST}{call.pk}/change/").content.decode()


def test_keys_stand_among_the_words() -> None:
    assert parts_of("[pressed 1 2] Hi [pressed ••••]") == [
        *(("", "1 2"), ("Hi", ""), ("", "••••"))
    ]
    assert parts_of("no keys") == [("no keys", "")]
    assert parts_of("") == []


def test_the_page_says_what_is_different_today(viewer: Client) -> None:
    bot = Bot.objects.create(name="Front desk", greeting="Hello.")
    call = make_call(bot=bot, settings=Profile.of(bot).to_json())
    assert "different today" not in page_of(viewer, call)
    Bot.objects.update(greeting="<b>Good day.</b>")
    page = page_of(viewer, call)
    assert "1 of them is different today" in page
    assert '<div dir="auto">&lt;b&gt;Good day.&lt;/b&gt;</div>' in page


def test_the_page_leads_to_the_callers_other_calls(viewer: Client) -> None:
    calls = [make_call(n, from_number="+1", slowest_ms=1234) for n in range(3)]
    make_call(7, from_number="+2")
    page = page_of(viewer, calls[1])
    assert f'{LIST}{calls[0].pk}/change/" rel="prev"' in page
    assert f'{LIST}{calls[2].pk}/change/" rel="next"' in page
    assert "1234 ms" in page
    assert 'rel="prev"' not in page_of(viewer, calls[0])


def test_a_call_in_progress_leads_to_the_live_page(viewer: Client) -> None:
    call = make_call(status="in-progress", end_reason="", ended_at=None)
    assert "This call is going on." in page_of(viewer, call)
    assert 'href="/admin/live/"' in page_of(viewer, call)
