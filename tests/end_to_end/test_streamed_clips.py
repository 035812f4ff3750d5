"""Answers that are heard while Inworld still makes them, over real sockets."""

import asyncio
import contextlib
from collections.abc import Iterator

import httpx
import pytest

from bots.models import Bot
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Carrier
from tests.conftest import INWORLD_PORT, tracebacks
from tests.end_to_end.streaming import bot as bot
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.end_to_end.test_transfer import came_back
from tests.support.inworld.script import (
    DONE,
    ROLE,
    Delay,
    Step,
    audio,
    content,
    finish,
    speech,
    tone,
    transcript,
)
from tests.support.inworld.server import FakeInworld, Pause
from tests.support.live import LiveServer, running, serving
from tests.support.services import Missing, Redis

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "We open at nine and we close at six on all days of the week."
# The header, and the sound that has surely arrived.
SOME_BYTES = 44 + 2000


SECONDS = 2.4


def halting(text: str = TEXT) -> list[Step]:
    """A sentence that halts in its middle."""
    pieces: list[Step] = [audio(tone(0.2))] * round(SECONDS / 2 / 0.2)
    words = [ROLE, content(text), transcript(text)]
    return [*words, *pieces, Pause(), *pieces, finish(), DONE]


@pytest.fixture(scope="module")
def streaming(database_url: str) -> dict[str, str]:
    """The environment of a server that streams."""
    return {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": f"http://127.0.0.1:{INWORLD_PORT}",
        "STREAM_CLIPS": "on",
    }


@pytest.fixture(scope="module", params=["memory", "redis"])
def server(
    request: pytest.FixtureRequest, streaming: dict[str, str]
) -> Iterator[LiveServer]:
    redis = request.param == "redis"
    url = {"REDIS_URL": request.getfixturevalue("redis_url")} if redis else {}
    with serving(**streaming, **url) as live:
        yield live
    assert not tracebacks(live.output)


async def second_sound(call: SimulatedCall) -> str:
    """Wait until the caller hears the answer; return its address."""
    async with asyncio.timeout(15):
        await call.record.until(lambda: len(call.record.heard) > 1)
    return httpx.URL(call.record.heard[1].source).path


async def whole(server: LiveServer, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.get(path)


async def test_the_caller_hears_a_sentence_before_it_is_complete(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(halting())
    async with dial(server, fast=False, carrier=Carrier.STREAMS, pause=0.5) as call:
        await call.reply()
        await call.say("When do you open?")
        await second_sound(call)
        assert call.record.heard[1].growing
        inworld.resume()
        answer = await call.reply()
        assert sum(h.seconds for h in answer) == pytest.approx(SECONDS, abs=0.05)
    assert call.errors == []
    row = await closed(call.call_sid)
    answered = (await turns(row))[-1]
    assert (answered.text, answered.heard_text) == (TEXT, TEXT)
    assert not answered.interrupted
    latency = answered.latency_ms
    assert latency["play_sent"] < latency["clip_complete"]


async def test_every_carrier_plays_all_of_an_answer(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    sounds: list[Step] = [Delay(0.1), audio(tone(0.2))] * 5
    first = [content("We open at nine."), transcript("We open at nine.")]
    second = speech(" Shall I book a table?", seconds=1.0)
    inworld.reply_with = lambda _: [ROLE, *first, *sounds, *second, finish(), DONE]
    async with asyncio.TaskGroup() as calls:
        for carrier in Carrier:
            calls.create_task(plays_all(server, carrier))


async def plays_all(server: LiveServer, carrier: Carrier) -> None:
    async with dial(server, fast=False, carrier=carrier, pause=0.5) as call:
        await call.reply()
        await call.say("When do you open?")
        await call.reply()
        played = sum(heard.played_seconds for heard in call.record.heard[1:])
    assert played == pytest.approx(2.0, abs=0.1)
    assert len(call.record.refused) == (carrier is Carrier.REFUSES)
    rows = await turns(await closed(call.call_sid))
    assert rows[-1].heard_text == "We open at nine. Shall I book a table?"


async def test_an_interruption_ends_the_body_at_once(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(halting())
    inworld.says("All right.")
    async with dial(server, fast=False, carrier=Carrier.STREAMS, pause=0.5) as call:
        await call.reply()
        await call.say("When do you open?")
        path = await second_sound(call)
        async with httpx.AsyncClient(base_url=server.url) as client:
            async with client.stream("GET", path) as response:
                pieces = response.aiter_raw()
                assert (await anext(pieces))[:4] == b"RIFF"
                await call.interrupt("Stop.", after=0.3)
                async with asyncio.timeout(3):
                    rest = [piece async for piece in pieces]
            assert len(b"".join(rest)) < 2 * 8000 * 4
        await call.reply()
    answered = (await turns(await closed(call.call_sid)))[2]
    assert answered.interrupted
    assert TEXT.startswith(answered.heard_text)
    assert len(answered.heard_text) < len(TEXT)


async def test_a_body_may_be_asked_for_in_any_way(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(halting())
    async with dial(server, fast=False, carrier=Carrier.STREAMS, pause=0.5) as call:
        await call.reply()
        await call.say("When do you open?")
        path = await second_sound(call)
        async with httpx.AsyncClient(base_url=server.url) as client:
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["Content-Type"] == "audio/wav"
            async with client.stream("GET", path) as leaving:
                await anext(leaving.aiter_raw())
            assert (await client.get(path + "x")).status_code == 404
            ranged = client.stream("GET", path, headers={"Range": "bytes=0-1"})
            async with ranged as response:
                assert response.status_code == 200
                assert response.headers["Transfer-Encoding"] == "chunked"
                assert response.headers["Cache-Control"] == "no-store"
                inworld.resume()
                growing = b"".join([piece async for piece in response.aiter_raw()])
        # RIFF and data chunk have no length.
        assert growing[4:8] == growing[40:44] == b"\xff" * 4
        await call.reply()
        after = await whole(server, path)
        assert after.headers["Content-Length"] == str(len(after.content))
        assert after.content[44:] == growing[44:]
    assert call.errors == []


async def test_an_answer_is_said_to_its_end_when_redis_goes_in_its_middle(
    streaming: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers(halting())
    with contextlib.ExitStack() as stack:
        try:
            redis = stack.enter_context(Redis())
        except Missing as missing:
            pytest.skip(str(missing))
        async with running(**streaming, REDIS_URL=redis.url) as live:
            line = dial(live, fast=False, carrier=Carrier.STREAMS, pause=1.0)
            async with line as call:
                await call.reply()
                await call.say("When do you open?")
                await second_sound(call)
                await asyncio.to_thread(redis.stop)
                inworld.resume()
                answer = await call.reply(patience=10)
            row = await closed(call.call_sid)
    # What there was, and then Twilio's voice: clips cannot be stored any more.
    assert [heard.kind for heard in answer] == ["clip", "tts"]
    assert 0.5 < answer[0].seconds < SECONDS
    said = answer[1].text
    assert said
    assert TEXT.endswith(said)
    assert len(TEXT) / 4 < len(said) < len(TEXT)
    assert (await turns(row))[-1].heard_text == TEXT
    assert not tracebacks(live.output)


async def test_another_process_serves_a_body_and_ends_it_when_its_maker_dies(
    deployment: dict[str, str], inworld: FakeInworld, bot: Bot
) -> None:
    env = {**deployment, "STREAM_CLIPS": "on"}
    inworld.answers(halting())
    inworld.says("We open at nine.")
    async with running(**env) as first, running(**env) as second:
        others, carrier = (second.url,), Carrier.STREAMS
        async with dial(
            first, fast=False, pause=0.5, others=others, carrier=carrier
        ) as call:
            await call.reply()
            await written(call.call_sid, lambda rows: len(rows) == 1)
            await call.say("When do you open?")
            path = await second_sound(call)
            await written(call.call_sid, lambda rows: len(rows) == 3)
            async with httpx.AsyncClient(base_url=second.url) as client:
                async with client.stream("GET", path) as response:
                    pieces = response.aiter_raw()
                    body = bytearray(await anext(pieces))
                    assert body[:4] == b"RIFF"
                    killed_at = call.now_ms
                    first.process.kill()
                    async with asyncio.timeout(15):
                        async for piece in pieces:
                            body += piece
                assert len(body) > SOME_BYTES
            await came_back(call)
            # The caller hears that the connection is back, and then the answer.
            async with asyncio.timeout(15):
                await call.record.until(lambda: len(call.record.heard) >= 4)
            assert call.record.heard[2].at_ms - killed_at < 3000
    rows = await turns(await closed(call.call_sid))
    assert rows[-1].text == "We open at nine."
