"""Servers stop or die during calls: the calls end normally or continue."""

import asyncio
import signal
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import httpx
import pytest

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.models import Call
from calls.simulator.call import SimulatedCall
from calls.simulator.line import CallFailed
from calls.turns.messages import RECONNECTED
from calls.webhooks.reconnect_decision import MAX_RECONNECTS
from tests.conftest import tracebacks
from tests.end_to_end.test_live import closed, dial, make_bot, turns, written
from tests.support.inworld.server import DONE, ROLE, FakeInworld, Pause, speech
from tests.support.live import LiveServer, running

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550060"
BOOK = phrasebook("en")
CUT_OFF = BOOK.reconnected


def words(call: SimulatedCall) -> list[str | None]:
    return [heard.text for heard in call.heard if heard.kind == "tts"]


def call_on(*servers: LiveServer, **line: Any) -> SimulatedCall:
    """Make a call through a proxy that uses the next server when one is down."""
    others = tuple(server.url for server in servers[1:])
    return dial(servers[0], others=others, **line)


async def ended(server: LiveServer) -> int:
    """Wait for a server's end; return its exit code."""
    return await asyncio.to_thread(server.process.wait, 15)


async def reconnected(call: SimulatedCall, sessions: int = 2) -> None:
    """Wait for a call's next session."""
    async with asyncio.timeout(15):
        await call.record.until(lambda: call.sessions == sessions)


async def over(call: SimulatedCall) -> None:
    """Wait until the server has ended a call."""
    async with asyncio.timeout(15):
        await call.ends()


async def is_unready(http: httpx.AsyncClient) -> None:
    """Wait until a server reports that it is not ready."""
    async with asyncio.timeout(15):
        while True:
            if (await http.get("/readyz")).status_code == 503:
                return
            await asyncio.sleep(0.02)


async def test_a_lost_socket_is_replaced_and_the_bot_goes_on_without_greeting(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        await call.say("My name is Ada.")
        await call.reply()
        await call.lose_connection()
        await reconnected(call)
        await call.hears(2)
        await call.say("What is my name?")
        await call.reply()
    messages = (await inworld.request(2)).body["messages"]
    assert [m["role"] for m in messages[1:]] == [
        *("user", "assistant", "user", "assistant", "user")
    ]
    assert messages[3]["content"] == "My name is Ada."
    assert messages[-1]["content"] == f"{RECONNECTED} What is my name?"
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")
    assert row.reconnects == 1
    said = await turns(row)
    assert [turn.index for turn in said] == list(range(6))
    assert [(turn.role, turn.text) for turn in said][3] == ("system", CUT_OFF)
    assert [turn.text for turn in said].count(bot.greeting) == 1


async def test_words_that_were_not_answered_are_answered_after_the_loss(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([Pause()])
    async with dial(server) as call:
        await call.reply()
        await call.say("When do you open?")
        await inworld.request(1)
        inworld.says("At nine.")
        await call.lose_connection()
        await call.hears(2)
    body = (await inworld.request(2)).body
    assert body["messages"][-1]["content"] == f"When do you open? {RECONNECTED}"
    said = await turns(await closed(call.call_sid))
    assert [turn.text for turn in said[1:]] == [
        *("When do you open?", CUT_OFF, "At nine.")
    ]


async def test_the_history_has_only_the_heard_part_of_a_lost_answer(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    first, second = "This takes a while to say.", "And this follows."
    # A server follows only a real clock.
    async with dial(server, fast=False) as call:
        await call.reply()
        inworld.answers([ROLE, *speech(first, second, seconds=2.0), DONE])
        await call.say("Tell me.")
        assert await call.speaking(1.0)
        await written(
            call.call_sid, lambda said: len(said) == 3 and said[2].model != ""
        )
        await call.lose_connection()
        await reconnected(call)
        await call.hears(2)
        await call.say("Go on.")
        await call.reply()
    history = (await inworld.request(2)).body["messages"]
    assert history[-1]["content"] == f"{RECONNECTED} Go on."
    assert history[-2]["role"] == "assistant"
    assert 0 < len(history[-2]["content"]) < len(first)
    cut = (await turns(await closed(call.call_sid)))[2]
    assert (cut.interrupted, cut.heard_text) == (True, history[-2]["content"])


@pytest.mark.parametrize("transfer", ["", "+15005550099"])
async def test_a_line_that_keeps_breaking_is_apologised_for(
    server: LiveServer, inworld: FakeInworld, transfer: str
) -> None:
    await make_bot(NUMBER, transfer_number=transfer)
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        for sessions in range(1, MAX_RECONNECTS + 1):
            await call.lose_connection()
            await reconnected(call, sessions + 1)
        await call.lose_connection()
        await over(call)
    assert call.sessions == MAX_RECONNECTS + 1
    assert call.dialled == transfer
    (spoken,) = words(call)
    assert spoken is not None
    assert spoken.startswith(BOOK.line_lost)
    row = await closed(call.call_sid)
    wanted = ("completed", "transferred") if transfer else ("failed", "connection-lost")
    assert (row.status, row.end_reason) == wanted


async def test_a_used_token_opens_no_second_socket(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        session = await call._live()
        with pytest.raises(CallFailed, match="403"):
            await call._client.socket(session.relay.url)
        await call.say("Still there?")
        assert await call.reply()


async def test_a_call_goes_on_in_another_process_when_its_own_is_killed(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    async with running(**deployment) as first, running(**deployment) as second:
        async with call_on(first, second, timeout=15.0) as call:
            await call.reply()
            await call.say("My name is Ada.")
            await call.reply()
            await written(
                call.call_sid, lambda said: len(said) == 3 and said[2].heard_text != ""
            )
            first.process.kill()
            await reconnected(call)
            await call.hears(2)
            await call.say("What is my name?")
            await call.reply()
        row = await closed(call.call_sid)
        assert tracebacks(second.output) == []
    messages = (await inworld.request(2)).body["messages"]
    assert messages[3]["content"] == "My name is Ada."
    assert (row.end_reason, row.reconnects) == ("caller-hung-up", 1)


async def test_a_stopping_server_lets_calls_end_and_refuses_new_ones(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    env = {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": inworld.url,
        "DRAIN_TIMEOUT_SECONDS": "30",
    }
    async with running(**env) as server:
        async with call_on(server) as call:
            await call.reply()
            server.process.terminate()
            async with httpx.AsyncClient(base_url=server.url) as http:
                await is_unready(http)
                assert (await http.get("/healthz")).status_code == 200
            async with call_on(server) as late:
                assert not late.answered
                assert "busy" in late.refusal
            await call.say("May I go on?")
            assert [sound.kind for sound in await call.reply()] == ["clip"]
            await call.lose_connection()  # even a reconnect
            await reconnected(call)
            await call.hears(2)
        assert await ended(server) == 0
        assert tracebacks(server.output) == []
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")


async def test_after_the_limit_calls_go_on_in_another_process(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    env = {**deployment, "DRAIN_TIMEOUT_SECONDS": "2"}
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(**env))
        second = await stack.enter_async_context(running(**env))
        call = await stack.enter_async_context(call_on(first, second))
        await call.reply()
        await call.say("Hello?")
        await call.reply()
        first.process.terminate()
        async with httpx.AsyncClient(base_url=first.url) as http:
            await is_unready(http)
        async with call_on(first, second) as late:  # is sent to the other
            assert await late.reply()
        assert await ended(first) == 0
        await reconnected(call)
        await call.hears(2)
        await call.say("Still there?")
        assert await call.reply()
    assert (await closed(call.call_sid)).end_reason == "caller-hung-up"


@pytest.mark.parametrize("transfer", ["", "+15005550099"])
async def test_without_another_process_callers_hear_an_apology(
    database_url: str, inworld: FakeInworld, transfer: str
) -> None:
    await make_bot(NUMBER, transfer_number=transfer)
    env = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    async with running(**env) as server:
        async with dial(server, to=NUMBER) as call:
            await call.reply()
            server.process.send_signal(signal.SIGINT)
            await over(call)
        assert await ended(server) == 0
    assert call.dialled == transfer
    row = await closed(call.call_sid)
    assert row.end_reason == ("transferred" if transfer else "server-stopped")


async def test_a_second_signal_ends_a_server_at_once(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    env = {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": inworld.url,
        "DRAIN_TIMEOUT_SECONDS": "600",
    }
    async with running(**env) as server, call_on(server) as call:
        await call.reply()
        server.process.terminate()
        await server.logs("Stopping. Calls in progress: 1.")
        server.process.send_signal(signal.SIGINT)
        assert await ended(server) == 0
    assert (await closed(call.call_sid)).end_reason == "server-stopped"


async def test_a_kill_at_any_moment_leaves_all_but_the_turn_in_progress(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> None:
    chance = Random(9)
    env = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    for _ in range(3):
        await _killed_at(chance.uniform(0.05, 1.2), env)


async def _killed_at(seconds: float, env: dict[str, str]) -> None:
    """Talk in three calls until their server is killed; check their transcripts."""
    async with running(**env) as server:
        calls = [call_on(server) for _ in range(3)]
        asked: dict[str, list[str]] = {call.call_sid: [] for call in calls}
        answered = {call.call_sid: 0 for call in calls}

        answering = asyncio.Barrier(len(calls) + 1)

        async def talk(call: SimulatedCall) -> None:
            async with call:
                await answering.wait()
                await call.reply()
                for number in range(1000):
                    asked[call.call_sid].append(f"Question {number}.")
                    await call.say(f"Question {number}.")
                    await call.reply()
                    answered[call.call_sid] = number + 1

        talking = asyncio.gather(*map(talk, calls), return_exceptions=True)
        async with asyncio.timeout(20):
            await answering.wait()
        await asyncio.sleep(seconds)  # the server is killed at this moment
        server.process.kill()
        await talking
    for sid, questions in asked.items():
        row = await Call.objects.aget(call_sid=sid)
        said = await turns(row)
        assert [turn.index for turn in said] == list(range(len(said)))
        questions_stored = [turn.text for turn in said if turn.role == "caller"]
        assert questions_stored == questions[: len(questions_stored)]
        # All complete answers, except one that may not be stored yet.
        assert len(questions_stored) >= answered[sid] - 1
        for turn in said[:-1]:
            assert turn.role == "caller" or turn.model or turn.index == 0
        assert row.ended_at is None
