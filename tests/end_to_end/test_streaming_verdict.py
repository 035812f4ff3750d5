"""`STREAM_CLIPS=auto` against a real server: each carrier found out and acted on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bots.models import Bot
from calls.models import CarrierVerdict
from calls.simulator import Carrier, Heard
from calls.simulator.line import SIMULATED_ACCOUNT
from tests.end_to_end.test_live import closed, dial, turns
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
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, running

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "We are open every day of the week."
SECOND = " Come in whenever you like."
PIECE_SECONDS = 0.1
# So slow that a carrier could have begun long before the end.
PIECES, BETWEEN_PIECES = 20, 0.04
SECONDS = PIECES * PIECE_SECONDS


def spoken(*sentences: str) -> list[Step]:
    """A reply whose first sentence comes slowly; what follows comes at once."""
    steps: list[Step] = [ROLE]
    for number, sentence in enumerate(sentences):
        steps += [content(sentence), transcript(sentence)]
        pause = [] if number else [Delay(BETWEEN_PIECES)]
        for _ in range(PIECES):
            steps += [audio(tone(PIECE_SECONDS)), *pause]
    return [*steps, finish(), DONE]


@pytest.fixture
async def auto(
    database_url: str, inworld: FakeInworld, bot: Bot
) -> AsyncIterator[LiveServer]:
    variables = {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": inworld.url,
        "STREAM_CLIPS": "auto",
        "MAX_CALLS_PER_CALLER_PER_HOUR": "0",
    }
    async with running(**variables) as server:
        yield server


async def answer(
    server: LiveServer,
    inworld: FakeInworld,
    carrier: Carrier,
    *sentences: str,
    reports: bool = True,
) -> list[Heard]:
    """One call with one question; the sounds of its answer, which is heard in full."""
    said = sentences or (SENTENCE,)
    inworld.answers(spoken(*said))
    # A fast clock has no real time between the starts of two clips.
    is_fast = len(said) == 1
    line: dict[str, Any] = {
        "carrier": carrier,
        "speaker_events": None if reports else False,
    }
    async with dial(server, fast=is_fast, pause=0.4, **line) as call:
        await call.reply()
        await call.say("When do you open?")
        heard = await call.reply()
    assert call.errors == []
    assert [sound.kind for sound in heard] == ["clip"] * len(heard)
    seconds = sum(sound.played_seconds for sound in heard)
    assert seconds == pytest.approx(SECONDS * len(said), abs=0.15 * len(said))
    row = await closed(call.call_sid)
    latest = (await turns(row))[-1]
    assert (latest.text, latest.heard_text) == ("".join(said),) * 2
    assert not latest.error
    return heard


async def verdict(expected: str, tried: str = "wav") -> CarrierVerdict:
    """Wait until the database has this verdict on a format."""
    known = CarrierVerdict.objects.filter(verdict=expected, format=tried)
    async with asyncio.timeout(15):
        while True:
            row = await known.afirst()
            if row:
                return row
            await asyncio.sleep(0.02)


async def learn(
    server: LiveServer, inworld: FakeInworld, carrier: Carrier, calls: int
) -> None:
    for _ in range(calls):
        await answer(server, inworld, carrier)


@pytest.mark.parametrize(
    ("carrier", "behaviour", "tried", "calls"),
    [
        (Carrier.STREAMS, "streams", ["wav"], 3),
        (Carrier.STREAMS_MP3, "streams", ["wav", "mp3"], 3),
        (Carrier.WAITS, "waits", ["wav", "mp3"], 6),
        (Carrier.REFUSES, "refuses", ["wav", "mp3"], 4),
    ],
)
async def test_a_carrier_is_found_out_and_the_verdict_acted_on(
    auto: LiveServer,
    inworld: FakeInworld,
    carrier: Carrier,
    behaviour: str,
    tried: list[str],
    calls: int,
) -> None:
    for _ in tried:
        await learn(auto, inworld, carrier, 2 if behaviour == "refuses" else 3)
    row = await verdict(behaviour, tried[-1])
    assert (row.account_sid, row.calls) == (SIMULATED_ACCOUNT, calls)
    async with httpx.AsyncClient(trust_env=False) as http:
        figures = (await http.get(f"{auto.url}/metrics")).text
    labels = f'account="{SIMULATED_ACCOUNT}",format="{tried[-1]}",verdict="{behaviour}"'
    assert f"voicebot_carrier_verdict{{{labels}}} 1.0" in figures
    heard = await answer(auto, inworld, carrier)
    assert [sound.streamed for sound in heard] == [behaviour == "streams"]


@pytest.mark.parametrize("carrier", [Carrier.STREAMS, Carrier.WAITS])
async def test_without_reports_the_request_for_the_next_sentence_tells(
    auto: LiveServer, inworld: FakeInworld, carrier: Carrier
) -> None:
    for _ in range(3):
        await answer(auto, inworld, carrier, SENTENCE, SECOND, reports=False)
    await verdict(carrier)


async def test_a_carrier_that_begins_to_refuse_is_noticed_at_once(
    auto: LiveServer, inworld: FakeInworld
) -> None:
    await learn(auto, inworld, Carrier.STREAMS, 3)
    await verdict("streams")
    (heard,) = await answer(auto, inworld, Carrier.REFUSES)
    assert not heard.streamed  # it was sent again, as a whole
    await verdict("")
    await answer(auto, inworld, Carrier.REFUSES)
    await verdict("refuses")
    await learn(auto, inworld, Carrier.REFUSES, 2)
    await verdict("refuses", "mp3")
    (heard,) = await answer(auto, inworld, Carrier.STREAMS)
    assert not heard.streamed
