"""Hundreds of interruptions at random moments, half of them followed by a hang-up.

Each cancels a request to Inworld in any state; none may cost a connection.
"""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from calls.models import Call, Turn
from calls.simulator.forms import voice_form
from calls.simulator.line import Line
from calls.simulator.twilio_client import TwilioClient
from calls.simulator.twiml import Relay, read_twiml
from tests.conftest import tracebacks
from tests.end_to_end.test_live import closed, dial, make_bot, turns
from tests.support.inworld.server import (
    DONE,
    ROLE,
    Delay,
    FakeInworld,
    Pause,
    Step,
    content,
    speech,
)
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550050"
CALLS, AT_ONCE = 200, 8
CUT_IN = json.dumps({"type": "interrupt", "durationUntilInterruptMs": 40})


def upstream(chance: random.Random) -> Iterable[Step]:
    """Return an answer that is late, in pieces, or endless."""
    wait = Delay(chance.uniform(0, 0.15))
    spoken = speech("So it goes.", "And goes.", seconds=0.1)
    return chance.choice(
        [
            [wait, ROLE, *spoken, DONE],
            [ROLE, wait, *spoken[:4], wait, *spoken[4:], Pause()],
            [content("Once"), wait, content(" more")],
            [wait, Pause()],
        ]
    )


@asynccontextmanager
async def answered_call(
    server: LiveServer, call_sid: str
) -> AsyncIterator[ClientConnection]:
    """The relay socket of a call, which the server's webhook has answered before."""
    line = Line(PUBLIC_URL, AUTH_TOKEN, to=NUMBER, connect_to=server.url)
    twilio = TwilioClient(line)
    try:
        document = await twilio.post(line.voice_url, voice_form(line, call_sid))
        (relay,) = read_twiml(document, line.voice_url)
        assert isinstance(relay, Relay), document
        async with await twilio.socket(relay.url) as socket:
            yield socket
    finally:
        await twilio.close()


async def interrupting_call(
    server: LiveServer, call_sid: str, asked: asyncio.Event, chance: random.Random
) -> None:
    """Make a call that interrupts twice and then, perhaps at once, hangs up.

    Half the times it happens before the request is sent or while it is, and half the
    times a little after it was `asked`.
    """
    async with answered_call(server, call_sid) as socket:
        await socket.send(json.dumps({"type": "setup", "callSid": call_sid}))
        for word in ("One", "Two", "Three"):
            asked.clear()
            await socket.send(prompt(f"{word} {call_sid}"))
            if chance.random() < 0.5:
                await asyncio.wait_for(asked.wait(), 15)
            await asyncio.sleep(chance.uniform(0, chance.choice([0.01, 0.3])))
            if word != "Three":
                await socket.send(CUT_IN)


def prompt(words: str) -> str:
    return json.dumps({"type": "prompt", "voicePrompt": words, "last": True})


async def test_hundreds_of_interruptions_cost_no_connection_and_no_later_turn(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot(NUMBER, greeting="")
    chance = random.Random(1093)
    asked: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def reply(body: Any) -> Iterable[Step]:
        asked[body["messages"][-1]["content"].split()[-1]].set()
        return upstream(chance)

    inworld.reply_with = reply
    before = len(server.output)
    free = asyncio.Semaphore(AT_ONCE)

    async def ring(number: int) -> None:
        async with free:
            sid = f"CA{number:032}"
            await interrupting_call(server, sid, asked[sid], random.Random(sid))

    await asyncio.gather(*map(ring, range(CALLS)))
    await inworld.quiet(timeout=15)
    # The requests were cancelled in any state; all of them are released.
    assert len(inworld.chats) > CALLS
    assert inworld.hang_ups > CALLS / 4
    assert tracebacks(server.output[before:]) == []

    inworld.reply_with = None
    await asyncio.gather(*(is_answered(server) for _ in range(10)))
    assert "pool to Inworld is full" not in server.output[before:]
    await inworld.quiet()
    assert not await Turn.objects.filter(error__contains="PoolTimeout").aexists()
    await all_closed()


async def is_answered(server: LiveServer) -> None:
    """Check that a call gets an answer to each of five questions."""
    async with dial(server, to=NUMBER) as call:
        for question in range(5):
            await call.say(f"Question {question}")
            assert [sound.kind for sound in await call.reply()] == ["clip"]
    said = await turns(await closed(call.call_sid))
    assert [turn.text for turn in said if turn.role == "bot"] == [
        f"You said: Question {question}." for question in range(5)
    ]


async def all_closed() -> None:
    """Wait until every call's end is written."""
    async for call in Call.objects.filter(ended_at=None):
        await closed(call.call_sid)
