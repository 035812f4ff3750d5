"""Resuming lost calls: the decision, the turns, and every order of events."""

from dataclasses import replace
from itertools import islice, permutations
from xml.etree import ElementTree

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from bots.models import Bot
from calls.conversation.actions import SaveTurn, SpeakText, StartReply
from calls.conversation.conversation import Conversation
from calls.conversation.events import CallResumed, ClipReady, ReplyEnded
from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.socket_admission import admit
from calls.transcripts.writes import RelayLost, write_all
from calls.turns.clip import twilio_tts_clip
from calls.turns.lost_session import RELAY_LOST as LOST_ANSWER
from calls.turns.lost_session import (
    close_open_turns,
    is_unanswered,
    record_failed_transfer,
)
from calls.turns.messages import RECONNECTED, messages
from calls.turns.turn import ToolCallRecord, Turn, TurnKind
from calls.twilio.relay_tokens import read_token, relay_token
from calls.webhooks.reconnect_decision import (
    MAX_RECONNECTS,
    ReconnectDecision,
    RelayState,
    decide,
)
from tests.calls.webhooks.test_incoming import LOST, SESSION, fresh_process, post, ring
from tests.support.bot_configs import bot_config

__all__ = ["fresh_process"]  # a fixture
in_database = pytest.mark.django_db(transaction=True)


def bot_said(index: int, text: str, heard: str = "", **fields: object) -> Turn:
    turn = Turn(index, "bot", started_at=10.0, text=text, heard_text=heard)
    return replace(turn, **fields)  # type: ignore[arg-type]


def lost_tool_turn(index: int) -> Turn:
    return tool_turn(index, LOST_ANSWER, failed=True)


def tool_turn(index: int, result: str, *, failed: bool = False) -> Turn:
    record = ToolCallRecord("x", "look_up", result=result, failed=failed)
    return Turn(index, "tool", 9.5, text="look_up", ended_at=10.0, tool_call=record)


def filler(index: int) -> Turn:
    return bot_said(index, "One moment.", "One moment.", kind=TurnKind.FILLER)


def caller_said(index: int, text: str) -> Turn:
    return Turn(index, "caller", 9.0, text=text, heard_text=text, ended_at=9.0)


# The decision to reconnect


@given(st.lists(st.sampled_from("abcdef"), max_size=12))
def test_reports_in_any_order_and_number_give_every_session_one_relay(
    reports: list[str],
) -> None:
    lost: list[str] = []
    reconnects: list[str] = []
    is_open = True
    for session in reports:
        call = RelayState(
            is_open, len(reconnects), lost, has_open_token=bool(reconnects)
        )
        match decide(call, session):
            case ReconnectDecision.RECONNECT:
                reconnects.append(session)
                lost.append(session)
            case ReconnectDecision.GIVE_UP:
                is_open = False
                lost += [] if session in lost else [session]
    assert len(reconnects) == len(set(reconnects)) <= MAX_RECONNECTS
    assert is_open == (len(set(reports)) <= MAX_RECONNECTS)


def test_a_repeated_report_gets_its_answer_again_until_the_next_session_begins() -> (
    None
):
    call = RelayState(True, 1, ["VX1"], has_open_token=True)
    assert decide(call, "VX1") is ReconnectDecision.REPEAT
    assert (
        decide(replace(call, has_open_token=False), "VX1") is ReconnectDecision.IGNORE
    )
    assert decide(replace(call, is_open=False), "VX1") is ReconnectDecision.GIVE_UP
    assert decide(replace(call, is_open=False), "VX2") is ReconnectDecision.IGNORE


# The turns of a resumed call


def test_what_was_being_said_is_heard_as_far_as_time_allowed() -> None:
    text = "This sentence takes two seconds."
    (cut,) = close_open_turns(
        [caller_said(0, "Hm?"), bot_said(1, text)], disconnected_at=11.25
    )
    assert cut.interrupted
    assert cut.heard_text
    assert text.startswith(cut.heard_text)
    assert len(cut.heard_text) < len(text)
    (finished,) = close_open_turns([bot_said(1, text)], disconnected_at=20.0)
    assert (finished.heard_text, finished.interrupted) == (text, False)


@pytest.mark.parametrize(
    ("turns", "unanswered"),
    [
        ([], False),
        ([bot_said(0, "Hello", "Hello")], False),
        ([caller_said(0, "Hm?")], True),
        ([caller_said(0, "Hm?"), bot_said(1, "Well", "We")], False),
        ([caller_said(0, "Hm?"), bot_said(1, "Well", "")], True),
        (
            [
                caller_said(0, "Hm?"),
                bot_said(1, "Back.", "Back.", kind=TurnKind.RESUMED),
            ],
            True,
        ),
        ([replace(caller_said(0, "mhm"), is_backchannel=True)], False),
        ([caller_said(0, "Hm?"), lost_tool_turn(1), filler(2)], True),
        (
            [caller_said(0, "Hm?"), bot_said(1, "Wait.", "Wait."), lost_tool_turn(2)],
            True,
        ),
        ([caller_said(0, "Hm?"), lost_tool_turn(1), bot_said(2, "Well", "We")], False),
        (
            [bot_said(0, "Wait.", "Wait."), tool_turn(1, "Found."), bot_said(2, "It")],
            True,
        ),
        (
            [
                tool_turn(0, "Busy."),
                bot_said(1, "One.", "One.", kind=TurnKind.TRANSFER_NOTICE),
            ],
            True,
        ),
    ],
)
def test_words_without_a_heard_answer_are_unanswered(
    turns: list[Turn], unanswered: bool
) -> None:
    assert is_unanswered(turns) == unanswered


def test_the_reason_of_a_return_names_the_transfer_that_was_made() -> None:
    made, refused = (
        Turn(
            index,
            "tool",
            9.0,
            tool_call=ToolCallRecord(f"call_{index}", "transfer_call"),
        )
        for index in (1, 2)
    )
    assert made.tool_call
    assert refused.tool_call
    refused.tool_call.result, refused.tool_call.failed = "The call ended first.", True
    assert record_failed_transfer([made, refused], "Nobody answered.") == [made]
    assert made.tool_call.result == "Nobody answered."
    assert refused.tool_call.result == "The call ended first."
    assert record_failed_transfer([refused], "Nobody answered.") == []


def test_the_bot_says_one_sentence_and_answers_what_is_open() -> None:
    core = Conversation(bot_config(greeting="Hello!"))
    before = (bot_said(0, "Hello!", "Hello!", ended_at=8.0), caller_said(4, "Hm?"))
    actions = core.receive(CallResumed(before, 10.0, seconds=60.0), 12.0)
    sentence = core.config.reconnected
    assert [a.text for a in actions if isinstance(a, SpeakText)] == [sentence]
    core.receive(ClipReady(1, twilio_tts_clip(sentence)), 12.1)
    (record, start) = core.receive(ReplyEnded(1, sentence), 12.2)
    assert isinstance(record, SaveTurn)
    assert (record.turn.index, record.turn.role) == (5, "system")
    assert isinstance(start, StartReply)
    assert start.messages[-1] == {"role": "user", "content": f"Hm? {RECONNECTED}"}


def test_the_time_limit_counts_from_the_first_start() -> None:
    core = Conversation(bot_config(max_call_minutes=100 / 60, goodbye_message="Bye."))
    core.receive(CallResumed((), 10.0, seconds=99.0), 12.0)
    sentence = core.config.reconnected
    core.receive(ClipReady(1, twilio_tts_clip(sentence)), 12.1)
    core.receive(ReplyEnded(1, sentence), 12.2)
    actions = core.receive(ReplyEnded(1, ""), 13.1)
    assert [a.text for a in actions if isinstance(a, SpeakText)] == ["Bye."]


def test_the_history_stays_alternating_where_the_line_broke() -> None:
    broke = bot_said(
        2, "We are back.", "We are back.", kind=TurnKind.RESUMED, role="system"
    )
    said = [
        caller_said(0, "One?"),
        bot_said(1, "It is", "It", interrupted=True),
        broke,
        caller_said(3, "Two?"),
    ]
    roles = [message["role"] for message in messages("Be kind.", said)]
    assert roles == ["system", "user", "assistant", "user"]
    assert messages("Be kind.", said)[-1]["content"] == f"{RECONNECTED} Two?"


# Twilio's reports


async def action(**form: str) -> list[str]:
    """The verbs that an action callback is answered with."""
    answer = await post("/voice/action", **{**LOST, **form})
    assert answer.status_code == 200
    return [verb.tag for verb in ElementTree.fromstring(answer.content)]


async def socket_of(**form: str) -> str:
    """The address of the socket that a lost call is given."""
    answer = await post("/voice/action", **{**LOST, **form})
    relay = ElementTree.fromstring(answer.content).find("Connect/ConversationRelay")
    assert relay is not None
    return relay.attrib["url"]


async def connect(url: str) -> Call | None:
    """Use up a socket's token as its handshake does."""
    token = read_token(url.rsplit("/", 1)[1])
    assert token
    return await admit(*token, fallback=lambda: None)


@in_database
async def test_a_repeated_report_starts_no_second_relay(bot: Bot) -> None:
    await ring()
    first = await socket_of()
    again = await socket_of()
    row = await Call.objects.aget()
    assert row.reconnects == 1
    assert await connect(first)
    assert await connect(again) is None
    assert await action() == []
    assert (await Call.objects.aget()).reconnects == 1


@in_database
async def test_the_relay_reconnects_three_times_then_the_caller_hears_an_apology(
    bot: Bot,
) -> None:
    await ring()
    for number in range(MAX_RECONNECTS):
        assert await connect(await socket_of(SessionId=f"VX{number}"))
    assert await action(SessionId="VX9") == ["Say", "Hangup"]
    row = await Call.objects.aget()
    assert (row.status, row.end_reason) == ("failed", "connection-lost")
    assert await action(SessionId="VX9") == ["Say", "Hangup"]
    assert await action(SessionId="VX0") == ["Hangup"]


@in_database
async def test_the_callbacks_of_a_lost_and_resumed_call_may_come_in_any_order(
    bot: Bot,
) -> None:
    """There is one end, never reopened, in any order of callbacks, also repeated."""
    steps = {
        "lost": ("/voice/action", LOST),
        "lost again": ("/voice/action", {**LOST, "SessionId": "VX2"}),
        "done": (
            "/voice/action",
            {**SESSION, "SessionId": "VX3", "SessionStatus": "completed"},
        ),
        "status": ("/voice/status", {**SESSION, "CallStatus": "completed"}),
    }
    names = [*steps, "socket"]
    for number, order in enumerate(islice(permutations(names), 0, None, 5)):
        sid = f"CA{number}"
        await ring(CallSid=sid)
        call, ended_at = await Call.objects.aget(call_sid=sid), None
        for name in (*order, *order):
            if name == "socket":
                broke = RelayLost(call.pk, timezone.now(), 0)
                await sync_to_async(write_all)([broke])
            else:
                path, form = steps[name]
                await post(path, **{**form, "CallSid": sid})
            row = await Call.objects.aget(call_sid=sid)
            assert ended_at is None or (row.ended_at, row.status) == ended_at
            if row.ended_at:
                ended_at = (row.ended_at, row.status)
        assert row.end_reason == "caller-hung-up"
        assert row.reconnects <= 2
        assert len(row.failed_relay_sessions) == row.reconnects


@in_database
async def test_a_token_is_good_for_one_socket(bot: Bot) -> None:
    await ring()
    row = await Call.objects.aget()
    url = f"wss://x/{relay_token('CA1', row.relay_nonce)}"
    assert await connect(f"wss://x/{relay_token('CA1', '')}") is None
    assert await connect(f"wss://x/{relay_token('CA1', 'guess')}") is None
    assert await connect(url)
    assert await connect(url) is None


@in_database
async def test_without_a_database_the_process_that_answered_knows_its_nonce(
    bot: Bot,
) -> None:
    await ring()
    row = await Call.objects.aget()
    assert active_calls().connecting.claim("CA1", "another") is None
    here = active_calls().connecting.claim("CA1", row.relay_nonce)
    assert here is not None
    assert active_calls().connecting.claim("CA1", row.relay_nonce) is None
    await sync_to_async(hide_calls)()
    try:
        assert await admit("CA1", row.relay_nonce, fallback=lambda: here) is here
    finally:
        await sync_to_async(show_calls)()


def hide_calls() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE calls_call RENAME TO calls_hidden")


def show_calls() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE calls_hidden RENAME TO calls_call")
