"""Whole clips whose address is sent before their sentence ends, over real sockets."""

import asyncio

import httpx
import pytest

from bots.audio.wav import read
from bots.models import Bot
from calls.models import Turn
from tests.end_to_end.streaming import bot as bot
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.support.inworld.script import (
    DONE,
    ROLE,
    Delay,
    Step,
    audio,
    content,
    finish,
    tone,
    transcript,
)
from tests.support.inworld.server import FakeInworld, Pause
from tests.support.live import running

pytestmark = pytest.mark.django_db(transaction=True)

# As long as its words let expect.
TEXT, SECONDS = "We open at nine and we close at six on all days of the week.", 3.6


def ends_late() -> list[Step]:
    """A sentence whose last sound keeps everybody waiting."""
    pieces: list[Step] = [Delay(0.05), audio(tone(0.3))] * round(SECONDS / 0.3 - 1)
    words = [ROLE, content(TEXT), transcript(TEXT)]
    return [*words, *pieces, Pause(), audio(tone(0.3)), finish(), DONE]


def is_sent(rows: list[Turn]) -> bool:
    """True once the address of an answer has been sent."""
    return len(rows) == 3 and bool(rows[-1].clip_ids)


async def test_another_process_lets_a_fetch_wait_for_the_end_of_the_sentence(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(ends_late())
    async with running(**deployment) as first, running(**deployment) as second:
        others = (second.url,)
        async with dial(first, fast=False, pause=0.5, others=others) as call:
            await call.reply()
            await call.say("When do you open?")
            # The address has been sent, and the sentence has not ended.
            rows = await written(call.call_sid, is_sent)
            path = f"/audio/{rows[-1].clip_ids[0]}"
            async with httpx.AsyncClient(base_url=second.url) as client:
                fetch = asyncio.create_task(client.get(path))
                assert len(call.record.heard) == 1
                inworld.resume()
                response = await fetch
            assert response.headers["Content-Length"] == str(len(response.content))
            assert read(response.content).seconds == pytest.approx(SECONDS, abs=0.02)
            answer = await call.reply()
            assert [heard.streamed for heard in answer] == [False]
            assert answer[0].played_seconds == pytest.approx(SECONDS, abs=0.02)
    answered = (await turns(await closed(call.call_sid)))[-1]
    assert (answered.text, answered.heard_text) == (TEXT, TEXT)
    latency = answered.latency_ms
    assert latency["play_sent"] < latency["clip_complete"]
    assert latency["play_sent"] < latency["clip_fetched"]


async def test_an_interruption_leaves_nothing_of_an_unfinished_sentence(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(ends_late())
    inworld.says("All right.")
    async with running(**deployment) as live:
        async with dial(live, fast=False, pause=0.5) as call:
            await call.reply()
            await call.say("When do you open?")
            await written(call.call_sid, is_sent)
            await call.interrupt("Stop.")
            await call.reply()
        rows = await turns(await closed(call.call_sid))
    assert rows[-1].text == "All right."
    assert "".join(turn.heard_text for turn in rows if turn.text == TEXT) == ""
    assert sum(heard.played_seconds for heard in call.record.heard[1:]) < 2
