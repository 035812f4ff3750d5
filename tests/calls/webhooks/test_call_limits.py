"""Who may call, and how much: blocked callers, caps on calls, on sockets, on words."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed

from bots.models import Bot, PhoneNumber
from calls.blocking import lines, pattern_of, patterns_for
from calls.conversation.messages import MAX_HISTORY_LENGTH, OMITTED, messages
from calls.models import BlockedCaller, Call
from calls.session.rate_limit import (
    DROPS_AT_ONCE,
    FRAMES_A_SECOND,
    FRAMES_AT_ONCE,
    FrameDecision,
    SocketRateLimit,
    TokenBucket,
)
from calls.turns.turn import Turn
from calls.webhooks.admission import matching_block
from calls.webhooks.call_limits import CallLimits, CurrentLoad, LimitExceeded
from tests.calls.webhooks.test_incoming import RINGING, post, ring
from tests.conftest import numbered
from tests.end_to_end.test_live import closed, dial, turns
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer
from tests.support.process import clear_process_state

CALLER = RINGING["From"]


# Rules


class TestBucket:
    def test_lets_a_burst_through_and_then_its_rate(self) -> None:
        bucket = TokenBucket(rate=2, burst=3)
        assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
        assert [bucket.take(1) for _ in range(3)] == [True, True, False]

    def test_fills_up_to_its_burst_only(self) -> None:
        bucket = TokenBucket(rate=10, burst=3)
        bucket.take(0)
        assert [bucket.take(1000) for _ in range(4)] == [True, True, True, False]

    @hypothesis(derandomize=True, database=None)
    @given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
    def test_never_lets_more_through_than_it_says(self, moments: list[float]) -> None:
        """Even where the clock goes backwards."""
        bucket = TokenBucket(rate=1, burst=5)
        assert sum(map(bucket.take, moments)) <= 5 + max(moments)


class TestSocketCap:
    def test_a_busy_call_never_reaches_it(self) -> None:
        """Three hours of partial prompts, played tokens and speaker events."""
        cap, chance = SocketRateLimit(), random.Random(7)
        for second in range(3 * 3600):
            for _ in range(20):
                moment = second + chance.random()
                assert cap.frame(chance.randint(20, 900), moment) is FrameDecision.TAKE
            assert cap.prompt(second)
        assert cap.dropped == 0

    def test_what_is_above_it_is_dropped_and_counted(self) -> None:
        cap = SocketRateLimit()
        verdicts = [cap.frame(10, 0) for _ in range(int(FRAMES_AT_ONCE) + 5)]
        assert verdicts.count(FrameDecision.TAKE) == FRAMES_AT_ONCE
        assert (verdicts[-1], cap.dropped) == (FrameDecision.DROP, 5)
        assert cap.frame(10, 1 / FRAMES_A_SECOND) is FrameDecision.TAKE

    def test_a_large_frame_counts_as_many(self) -> None:
        cap = SocketRateLimit()
        verdicts = [cap.frame(65_000, 0) for _ in range(int(FRAMES_AT_ONCE))]
        assert verdicts.count(FrameDecision.TAKE) == FRAMES_AT_ONCE // 16

    def test_a_socket_far_above_is_closed_once(self) -> None:
        cap = SocketRateLimit()
        most = int(FRAMES_AT_ONCE + DROPS_AT_ONCE)
        verdicts = [cap.frame(10, 0) for _ in range(most + 100)]
        assert verdicts.index(FrameDecision.CLOSE) == most
        assert verdicts.count(FrameDecision.CLOSE) == 1

    def test_questions_have_a_cap_of_their_own(self) -> None:
        cap = SocketRateLimit()
        taken = [cap.prompt(moment / 10) for moment in range(6000)]
        assert 1200 < sum(taken) <= 1400


@pytest.mark.parametrize(
    ("load", "exceeded"),
    [
        (CurrentLoad(), None),
        (CurrentLoad(1, 1, 8), None),
        (CurrentLoad(2, 0, 0), LimitExceeded.OF_NUMBER),
        (CurrentLoad(2, 3, 0), LimitExceeded.OF_CALLER),
        (CurrentLoad(0, 2, 9), LimitExceeded.OF_CALLER),
        (CurrentLoad(0, 0, 9), LimitExceeded.OF_CALLER),
    ],
)
def test_caps_on_calls(load: CurrentLoad, exceeded: LimitExceeded | None) -> None:
    assert CallLimits(2, 3, 9).exceeded(load) == exceeded
    assert CallLimits().exceeded(load) is None


# What is written in the list of blocked callers


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+1 (415) 555-0100", "+14155550100"),
        ("0044 20 7946 0000", "+442079460000"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("\u202a+14155550100\u202c", "+14155550100"),
        ("+1900 *", "+1900*"),
        ("+7*", "+7*"),
        ("SIP:Bob@Example.com", "sip:bob@example.com"),
        ("client:alice", "client:alice"),
        ("sips:bob@example.com", "sips:bob@example.com"),
        ("whatsapp:+4915112345678", "whatsapp:+4915112345678"),
        ("Anonymous", "anonymous"),
        ("+266696687", "anonymous"),
    ],
)
def test_a_caller_is_understood_as_people_write_it(typed: str, kept: str) -> None:
    assert pattern_of(typed) == kept
    assert pattern_of(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", "*", "+*", "+0*", "4155550100", "'--", "+1415*555", "+14155550100**"),
        *("sip:*", "sip:" + "x" * 200, "<b>", "+١٢٣٤٥٦٧٨", "+14155550100 ext 3"),
    ],
)
def test_what_no_caller_can_match_or_all_would_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        pattern_of(typed)


@pytest.mark.parametrize(
    ("number", "pattern", "matches"),
    [
        ("+14155550100", "+14155550100", True),
        ("+14155550100", "+1415*", True),
        ("+14155550100", "+1*", True),
        ("+14155550100", "+1416*", False),
        ("+14155550100", "+1415555010", False),
        ("", "anonymous", True),
        ("Anonymous", "anonymous", True),
        ("+7378742833", "anonymous", True),
        ("+7378742833", "+7*", False),
        ("sip:Bob@example.com", "sip:bob@example.com", True),
        ("sip:+14155550100@carrier.example", "+1415*", True),
        ("sip:14155550100@carrier.example", "+14155550100", True),
    ],
)
def test_whom_an_entry_keeps_out(number: str, pattern: str, matches: bool) -> None:
    assert (pattern in patterns_for(number)) == matches


def test_a_pasted_list_has_notes_and_lines_of_no_use() -> None:
    pasted = "+1 415 555 0100, sales, again\n\n+1900*\tpremium\r\nnumber;note\n"
    found = [(line.pattern, line.note, bool(line.problem)) for line in lines(pasted)]
    assert found == [
        ("+14155550100", "sales, again", False),
        ("+1900*", "premium", False),
        ("", "", True),
    ]


# Calls that come in


@pytest.fixture
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


def verbs(document: ElementTree.Element) -> list[tuple[str, str]]:
    return [(verb.tag, verb.get("reason", "")) for verb in document]


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.django_db(transaction=True)
class TestCalls:
    async def test_a_blocked_caller_is_rejected_and_noted(self, bot: Bot) -> None:
        await BlockedCaller.objects.acreate(pattern="+1500555*")
        assert verbs(await ring()) == [("Reject", "rejected")]
        call = await Call.objects.aget()
        assert (call.status, call.end_reason) == ("refused", "blocked")
        assert call.bot_id is None
        assert verbs(await ring(CallSid="CA2", From="+15015550001"))[0][0] == "Connect"

    async def test_calls_that_we_make_are_not_blocked(self) -> None:
        await sync_to_async(numbered)("+15005550006")
        await BlockedCaller.objects.acreate(pattern="+1*")
        parties = {"From": "+15005550006", "To": "+15005550001"}
        document = await ring(Direction="outbound-api", **parties)
        assert verbs(document)[0][0] == "Connect"

    async def test_a_caller_has_so_many_calls_at_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = 3
        documents = await asyncio.gather(*(ring(CallSid=f"CA{n}") for n in range(20)))
        found = [verbs(document)[0] for document in documents]
        assert found.count(("Connect", "")) == 3
        assert found.count(("Reject", "busy")) == 17
        refused = Call.objects.filter(status="refused", end_reason="too-many-calls")
        assert await refused.acount() == 17
        other = await ring(CallSid="CA99", From="+15005550002")
        assert verbs(other)[0][0] == "Connect"

    async def test_a_caller_has_so_many_calls_an_hour(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER_PER_HOUR = 5
        for n in range(7):
            document = await ring(CallSid=f"CA{n}")
            await post("/voice/status", CallSid=f"CA{n}", CallStatus="completed")
        assert verbs(document) == [("Reject", "busy")]
        await Call.objects.aupdate(started_at=timezone.now() - timedelta(days=1))
        assert verbs(await ring(CallSid="CA9"))[0][0] == "Connect"

    @pytest.mark.parametrize("hidden", ["anonymous", "", "+266696687", "Restricted"])
    async def test_hidden_numbers_are_not_counted_as_one_caller(
        self, bot: Bot, settings: Settings, hidden: str
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = 1
        for n in range(3):
            document = await ring(CallSid=f"CA{n}", From=hidden)
            assert verbs(document)[0][0] == "Connect"

    async def test_a_number_has_so_many_calls_at_once(self) -> None:
        bot = await sync_to_async(numbered)("+15005550006")
        await PhoneNumber.objects.aupdate(max_concurrent_calls=2)
        callers = [f"+1500555{n:04}" for n in range(10)]
        documents = await asyncio.gather(
            *(ring(CallSid=f"CA{n}", From=number) for n, number in enumerate(callers))
        )
        tags = [verbs(document)[0][0] for document in documents]
        assert (tags.count("Connect"), tags.count("Say")) == (2, 8)
        await Call.objects.filter(status="ringing").aupdate(status="completed")
        bot.transfer_number = "+15005550099"
        await bot.asave()
        tags = [
            verbs(await ring(CallSid=f"CB{n}", From=number))[0][0]
            for n, number in enumerate(callers[:3])
        ]
        assert tags == ["Connect", "Connect", "Dial"]

    async def test_a_process_takes_no_more_than_its_calls_of_many_at_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS = 4
        documents = await asyncio.gather(*(ring(CallSid=f"CA{n}") for n in range(20)))
        tags = [verbs(document)[0][0] for document in documents]
        assert tags.count("Connect") == 4
        assert await Call.objects.filter(end_reason="busy").acount() == 16

    async def test_a_repeated_delivery_counts_once(
        self, bot: Bot, settings: Settings
    ) -> None:
        settings.MAX_CALLS_PER_CALLER = settings.MAX_CALLS_PER_CALLER_PER_HOUR = 1
        for _ in range(3):
            assert verbs(await ring())[0][0] == "Connect"

    async def test_a_repeated_sid_with_other_parties_changes_nothing(self) -> None:
        for number in ("+15005550006", "+15005550007"):
            await sync_to_async(numbered)(number)
        await ring()
        await ring(To="+15005550007", From="+19005550000")
        call = await Call.objects.select_related("bot").aget()
        assert (call.from_number, call.to_number) == (CALLER, "+15005550006")
        assert call.bot is not None
        assert call.bot.name == "Bot +15005550006"

    async def test_a_sid_whose_call_is_over_brings_no_bot_back(self, bot: Bot) -> None:
        await ring()
        await post("/voice/status", CallSid="CA1", CallStatus="completed")
        assert verbs(await ring())[0][0] == "Hangup"


# A socket that sends too much


async def flood(call: Any, frames: int) -> None:
    frame = json.dumps({"type": "info", "name": "tokensPlayed", "value": "Hi"})
    with suppress(ConnectionClosed):
        for _ in range(frames):
            await call.send_raw(frame)


@pytest.mark.django_db(transaction=True)
async def test_a_flood_closes_its_own_socket_only(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    written = len(server.output)
    async with dial(server) as neighbour, dial(server) as call:
        await neighbour.reply()
        await call.reply()
        session = await call._live()
        await flood(call, 4_500)
        await asyncio.wait_for(session._socket.wait_closed(), 10)
        assert session._socket.close_code == 4429
        await neighbour.say("Are you there?")
        assert await neighbour.reply()
    assert neighbour.errors == []
    told = server.output[written:]
    assert "frames too many" in told
    assert "Traceback" not in told


@pytest.mark.django_db(transaction=True)
async def test_a_burst_is_dropped_and_the_call_goes_on(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        await flood(call, 2_500)
        async with asyncio.timeout(10):
            while not call.heard[1:]:
                await call.send_raw('{"type":"prompt","voicePrompt":"Hi","last":true}')
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await call.record.until(lambda: bool(call.heard[1:]))
    assert call.sessions == 1


@pytest.mark.django_db(transaction=True)
async def test_a_flood_of_questions_costs_no_flood_of_requests(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        for number in range(600):
            await call.send_raw(
                f'{{"type":"prompt","voicePrompt":"Q {number}","last":true}}'
            )
        assert await call.reply()
    said = await turns(await closed(call.call_sid))
    asked = " ".join(turn.text for turn in said if turn.role == "caller")
    assert 200 <= asked.count("Q ") < 260
    assert len(inworld.chats) < 260


# What the model is sent


def long_call(exchanges: int, words: str) -> list[Turn]:
    greeting = Turn(0, "bot", 0.0, "Hello.", "Hello.")
    said = [
        Turn(n, role, 0.0, f"{n} {words}", f"{n} {words}")
        for n in range(1, exchanges)
        for role in ("caller", "bot")
    ]
    last = Turn(exchanges, "caller", 0.0, "And now?", "And now?")
    return [greeting, *said, last]


def length(history: list[dict[str, str]]) -> int:
    return sum(len(message["content"]) for message in history[1:])


def test_of_a_long_call_the_oldest_exchanges_are_left_out() -> None:
    history = messages("Be kind.", long_call(400, "word " * 60))
    assert MAX_HISTORY_LENGTH / 2 < length(history) <= MAX_HISTORY_LENGTH + 100
    assert history[0] == {"role": "system", "content": "Be kind."}
    assert history[2] == {"role": "assistant", "content": "Hello."}
    assert history[3]["content"].startswith(OMITTED)
    assert history[-1] == {"role": "user", "content": "And now?"}
    roles = [message["role"] for message in history[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_a_short_call_is_sent_whole() -> None:
    history = messages("Be kind.", long_call(20, "word"))
    assert len(history) == 2 + 2 * 20
    assert OMITTED not in json.dumps(history)


def test_one_endless_turn_is_cut_to_its_end() -> None:
    turns = [Turn(0, "caller", 0.0, "word " * 60_000 + "at last", "")]
    history = messages("Be kind.", turns)
    assert length(history) <= MAX_HISTORY_LENGTH
    assert history[1]["content"].endswith("at last")


# At the desk


def signed_in(client: Client, group: str) -> User:
    person = User.objects.create_user("ann", is_staff=True)
    person.groups.set(Group.objects.filter(name=group))
    client.force_login(person)
    return person


@pytest.fixture
def call(db: None) -> Call:
    """A call that is over."""
    return Call.objects.create(
        call_sid="CA1", from_number=CALLER, started_at=timezone.now()
    )


@pytest.mark.django_db
class TestDesk:
    PASTE = "/admin/calls/blockedcaller/paste/"

    def test_an_operator_blocks_a_caller_on_the_calls_page(
        self, client: Client, call: Call
    ) -> None:
        ann = signed_in(client, "operator")
        page = f"/admin/calls/call/{call.pk}/change/"
        assert "Block this caller" in client.get(page).content.decode()
        client.post(f"/admin/calls/call/{call.pk}/block/", {"note": "Rude <b>"})
        entry = BlockedCaller.objects.get()
        assert (entry.pattern, entry.note, entry.added_by) == (CALLER, "Rude <b>", ann)
        shown = client.get(page).content.decode()
        assert "Block this caller" not in shown
        assert ">blocked</a>" in shown
        assert (
            "Rude &lt;b&gt;"
            in client.get("/admin/calls/blockedcaller/").content.decode()
        )

    def test_callers_of_selected_calls_are_blocked_at_once(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        parties = [("CA2", CALLER), ("CA3", "+15005550003"), ("CA4", "anonymous")]
        for sid, number in parties:
            Call.objects.create(
                call_sid=sid, from_number=number, started_at=timezone.now()
            )
        every = list(Call.objects.values_list("pk", flat=True))
        chosen = {"action": "block_callers", "_selected_action": every}
        told = client.post("/admin/calls/call/", chosen, follow=True).content.decode()
        blocked = set(BlockedCaller.objects.values_list("pattern", flat=True))
        assert blocked == {CALLER, "+15005550003"}
        assert "Blocked: 2." in told
        assert "hides their number" in told

    @pytest.mark.parametrize("number", ["911", "4915112345678", "client:Ann B"])
    def test_a_caller_is_blocked_however_the_carrier_writes_them(
        self, client: Client, call: Call, number: str
    ) -> None:
        signed_in(client, "operator")
        Call.objects.filter(pk=call.pk).update(from_number=number)
        client.post(f"/admin/calls/call/{call.pk}/block/", {"note": "Rude"})
        (entry,) = matching_block(number)
        page = f"/admin/calls/blockedcaller/{entry.pk}/change/"
        client.post(page, {"note": "Very rude"})
        entry.refresh_from_db()
        assert (entry.pattern, entry.note) == (number.lower(), "Very rude")

    def test_who_only_reads_cannot_block(self, client: Client, call: Call) -> None:
        signed_in(client, "viewer")
        page = client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
        assert "Block this caller" not in page
        answer = client.post(f"/admin/calls/call/{call.pk}/block/")
        assert answer.status_code == 403
        assert client.get(self.PASTE).status_code == 403
        chosen = {"action": "block_callers", "_selected_action": call.pk}
        client.post("/admin/calls/call/", chosen)
        assert not BlockedCaller.objects.exists()
        assert client.get("/admin/calls/blockedcaller/").status_code == 403

    def test_a_block_is_asked_for_by_a_form_only(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        assert client.get(f"/admin/calls/call/{call.pk}/block/").status_code == 405
        assert client.post("/admin/calls/call/999999/block/").status_code == 404

    def test_a_test_calls_operator_cannot_be_blocked(
        self, client: Client, call: Call
    ) -> None:
        signed_in(client, "operator")
        Call.objects.update(is_test=True, from_number="ann (browser)")
        page = client.get(f"/admin/calls/call/{call.pk}/change/").content.decode()
        assert "Block this caller" not in page
        answer = client.post(f"/admin/calls/call/{call.pk}/block/")
        assert answer.status_code == 404

    def test_a_pasted_list_is_added_and_the_rest_stays_in_the_field(
        self, client: Client
    ) -> None:
        ann = signed_in(client, "operator")
        BlockedCaller.objects.create(pattern="+1900*")
        pasted = "+1 415 555 0100, why not\n+1900*\n<script>alert(1)</script>\n"
        page = client.post(self.PASTE, {"pasted": pasted}).content.decode()
        entry = BlockedCaller.objects.get(pattern="+14155550100")
        assert (entry.note, entry.added_by) == ("why not", ann)
        assert "Blocked: 1." in page
        assert "In the list already: 1." in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "why not" not in page
        assert "Not understood: 1." in page
        answer = client.post(self.PASTE, {"pasted": "+1901*\n+1901*"})
        assert answer.status_code == 302
        assert BlockedCaller.objects.count() == 3

    def test_a_list_of_thousands_is_added_in_a_few_queries(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        signed_in(client, "operator")
        pasted = "\n".join(f"+1415555{n:04}" for n in range(5000))
        with django_assert_max_num_queries(40):
            client.post(self.PASTE, {"pasted": pasted})
        assert BlockedCaller.objects.count() == 5000
        too_many = client.post(self.PASTE, {"pasted": f"{pasted}\n+19005550100"})
        assert "5,000 lines at most" in too_many.content.decode()

    def test_an_entry_is_typed_any_way_and_kept_one_way(self, client: Client) -> None:
        ann = signed_in(client, "operator")
        add = "/admin/calls/blockedcaller/add/"
        client.post(add, {"pattern": "+1 (415) 555-0100", "note": ""})
        entry = BlockedCaller.objects.get()
        assert (entry.pattern, entry.added_by) == ("+14155550100", ann)
        again = client.post(add, {"pattern": "+14155550100"}).content.decode()
        assert "already exists" in again
        wrong = client.post(add, {"pattern": "*"}).content.decode()
        assert "country code" in wrong
        assert BlockedCaller.objects.count() == 1

    def test_a_number_is_given_its_most_calls_on_its_page(self, client: Client) -> None:
        signed_in(client, "operator")
        add = "/admin/bots/phonenumber/add/"
        client.post(add, {"number": "+14155550100", "max_concurrent_calls": "5"})
        assert PhoneNumber.objects.get().max_concurrent_calls == 5
        wrong = client.post(
            add, {"number": "+14155550101", "max_concurrent_calls": "-1"}
        )
        assert wrong.status_code == 200
        assert PhoneNumber.objects.count() == 1
