"""Answers that grow as MP3s, for a carrier that is known to stream these."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import httpx
import pytest
import soundfile
from django.utils import timezone

from bots.models import Bot
from calls.models import CarrierVerdict
from calls.simulator.line import SIMULATED_ACCOUNT, Carrier
from tests.conftest import tracebacks
from tests.end_to_end.streaming import bot as bot
from tests.end_to_end.test_live import closed, dial, turns
from tests.end_to_end.test_streamed_clips import (
    SECONDS,
    TEXT,
    halting,
    second_sound,
    whole,
)
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, running

pytestmark = pytest.mark.django_db(transaction=True)

# The silence before it, and the rest of the last frame.
AROUND = 0.15


@pytest.fixture
async def servers(
    deployment: dict[str, str], bot: Bot
) -> AsyncIterator[tuple[LiveServer, LiveServer]]:
    """Two processes that know what the carrier does."""
    await CarrierVerdict.objects.acreate(
        account_sid=SIMULATED_ACCOUNT,
        verdict="streams",
        format="mp3",
        since=timezone.now(),
        calls=3,
    )
    env = {**deployment, "STREAM_CLIPS": "auto"}
    async with running(**env) as first, running(**env) as second:
        for server in (first, second):
            await knows(server)
        yield first, second
        for server in (first, second):
            assert not tracebacks(server.output)


async def knows(server: LiveServer) -> None:
    """Wait until a server has read the verdict."""
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(15):
        while True:
            figures = (await http.get(f"{server.url}/metrics")).text
            if 'format="mp3",verdict="streams"' in figures:
                return
            await asyncio.sleep(0.05)


def seconds_of(body: bytes) -> float:
    """The length of an MP3 by its decoder."""
    with soundfile.SoundFile(BytesIO(body)) as file:
        assert file.format == "MP3"
        return float(len(file.read()) / file.samplerate)


async def test_any_process_serves_an_mp3_that_grows(
    servers: tuple[LiveServer, LiveServer], inworld: FakeInworld
) -> None:
    first, second = servers
    inworld.answers(halting())
    line = dial(first, fast=False, carrier=Carrier.STREAMS_MP3, pause=0.5)
    async with line as call:
        await call.reply()
        await call.say("When do you open?")
        path = await second_sound(call)
        assert call.record.heard[1].growing
        async with httpx.AsyncClient(base_url=second.url) as client:
            head = await client.head(path)
            assert head.headers["Content-Type"] == "audio/mpeg"
            assert (await client.get(path.replace("-mp3", ""))).status_code == 200
            async with client.stream("GET", path) as response:
                assert response.headers["Content-Type"] == "audio/mpeg"
                assert "Content-Length" not in response.headers
                inworld.resume()
                body = b"".join([piece async for piece in response.aiter_raw()])
        (answer,) = await call.reply()
        after = await whole(second, path)
    assert call.errors == []
    assert SECONDS < seconds_of(body) < SECONDS + AROUND
    assert answer.played_seconds == pytest.approx(seconds_of(body), abs=0.01)
    # The same sound, as long as before.
    assert after.headers["Content-Type"] == "audio/wav"
    assert after.headers["Content-Length"] == str(len(after.content))
    assert len(after.content[44:]) / 16_000 == pytest.approx(seconds_of(body))
    answered = (await turns(await closed(call.call_sid)))[-1]
    assert (answered.text, answered.heard_text) == (TEXT, TEXT)


async def test_an_interruption_ends_the_mp3_at_once(
    servers: tuple[LiveServer, LiveServer], inworld: FakeInworld
) -> None:
    first, second = servers
    inworld.answers(halting())
    inworld.says("All right.")
    line = dial(first, fast=False, carrier=Carrier.STREAMS_MP3, pause=0.5)
    async with line as call:
        await call.reply()
        await call.say("When do you open?")
        path = await second_sound(call)
        client = httpx.AsyncClient(base_url=second.url)
        async with client, client.stream("GET", path) as response:
            pieces = response.aiter_raw()
            body = bytearray(await anext(pieces))
            await call.interrupt("Stop.", after=0.5)
            async with asyncio.timeout(3):
                async for piece in pieces:
                    body += piece
        await call.reply()
    half = SECONDS / 2
    assert half - AROUND < seconds_of(bytes(body)) < half + 2 * AROUND
    answered = (await turns(await closed(call.call_sid)))[2]
    assert answered.interrupted
    assert TEXT.startswith(answered.heard_text)
    assert len(answered.heard_text) < len(TEXT)
