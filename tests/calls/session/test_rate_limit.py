"""Limits on the frames that one socket may send."""

import asyncio
import json
import random
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from bots.models import Bot
from calls.models import Turn
from calls.session.rate_limit import (
    DROPS_AT_ONCE,
    FRAMES_A_SECOND,
    FRAMES_AT_ONCE,
    PROMPTS_A_SECOND,
    PROMPTS_AT_ONCE,
    FrameDecision,
    SocketRateLimit,
    TokenBucket,
)
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer


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
    def test_never_lets_more_through_than_it_says(self, times: list[float]) -> None:
        """Even where the clock goes backwards."""
        bucket = TokenBucket(rate=1, burst=5)
        assert sum(map(bucket.take, times)) <= 5 + max(times)


class TestSocketCap:
    def test_a_busy_call_never_reaches_it(self) -> None:
        """Three hours of partial prompts, played tokens and speaker events."""
        rate_limit, chance = SocketRateLimit(), random.Random(7)
        for second in range(3 * 3600):
            for _ in range(20):
                time = second + chance.random()
                assert (
                    rate_limit.frame(chance.randint(20, 900), time)
                    is FrameDecision.TAKE
                )
            assert rate_limit.prompt(second)
        assert rate_limit.dropped == 0

    def test_what_is_above_it_is_dropped_and_counted(self) -> None:
        rate_limit = SocketRateLimit()
        decisions = [rate_limit.frame(10, 0) for _ in range(int(FRAMES_AT_ONCE) + 5)]
        assert decisions.count(FrameDecision.TAKE) == FRAMES_AT_ONCE
        assert (decisions[-1], rate_limit.dropped) == (FrameDecision.DROP, 5)
        assert rate_limit.frame(10, 1 / FRAMES_A_SECOND) is FrameDecision.TAKE

    def test_a_large_frame_counts_as_many(self) -> None:
        rate_limit = SocketRateLimit()
        decisions = [rate_limit.frame(65_000, 0) for _ in range(int(FRAMES_AT_ONCE))]
        assert decisions.count(FrameDecision.TAKE) == FRAMES_AT_ONCE // 16

    def test_a_socket_far_above_is_closed_once(self) -> None:
        rate_limit = SocketRateLimit()
        most = int(FRAMES_AT_ONCE + DROPS_AT_ONCE)
        decisions = [rate_limit.frame(10, 0) for _ in range(most + 100)]
        assert decisions.index(FrameDecision.CLOSE) == most
        assert decisions.count(FrameDecision.CLOSE) == 1

    def test_questions_have_a_limit_of_their_own(self) -> None:
        rate_limit = SocketRateLimit()
        taken = [rate_limit.prompt(time / 10) for time in range(6000)]
        assert 1200 < sum(taken) <= 1400


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
    await server.logs("frames too many", written)
    assert "Traceback" not in server.output[written:]


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
        began = monotonic()
        for number in range(600):
            await call.send_raw(
                f'{{"type":"prompt","voicePrompt":"Q {number}","last":true}}'
            )
        assert await call.reply()
        # A busy server has not read all of them yet.
        await written(call.call_sid, lambda said: questions(said) >= PROMPTS_AT_ONCE)
    said = await turns(await closed(call.call_sid))
    most = PROMPTS_AT_ONCE + PROMPTS_A_SECOND * (monotonic() - began) + 1
    assert PROMPTS_AT_ONCE <= questions(said) <= most
    assert len(inworld.chats) <= most


def questions(said: list[Turn]) -> int:
    """Count the caller's questions in a transcript."""
    return sum(turn.text.count("Q ") for turn in said if turn.role == "caller")
