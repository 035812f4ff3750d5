"""Ten thousand bad frames: the call and other calls go on."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from bots.models import Bot
from calls.simulator.call import SimulatedCall
from tests.conftest import tracebacks
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

CALLS, FRAMES = 8, 1_250  # a call
SECRET = "Rumpelstilzchen"  # stands for any words of a caller
MEGABYTES = 100  # the most the server may grow by
KEYS = (
    *("type", "voicePrompt", "last", "lang", "digit", "name", "value", "callSid"),
    *("durationUntilInterruptMs", "utteranceUntilInterrupt", "description", "extra"),
)
TYPES = ("prompt", "interrupt", "dtmf", "info", "error", "setup", "pause", "", "Prompt")
# As JSON, not as values, so that it can hold what no Python value becomes.
SCALARS = (
    *("null", "true", "false", "0", "-1", "1e999", "-0.0", "NaN", "Infinity"),
    *("9" * 400, "1" + "0" * 5_000, "1.5", '""', '" "', '"\\u0000"', '"\\ud800"'),
    *('"\\udfff\\ud800"', '"\\ud83d\\ude00"', '"5"', '"soon"', '"on"', '"off"'),
    *('"agentSpeaking"', '"clientSpeaking"', '"tokensPlayed"', '"\\u202e"', '"99"'),
    *(f'"{SECRET}"', f'"code: 64107, {SECRET}"', '"' + "x" * 2_000 + '"'),
)


def value(chance: random.Random, depth: int = 3) -> str:
    """Return random JSON."""
    kind = chance.random()
    if depth and kind < 0.08:
        return "[" + ",".join(value(chance, depth - 1) for _ in range(3)) + "]"
    if depth and kind < 0.16:
        return message(chance, chance.choice(TYPES), depth - 1)
    return chance.choice(SCALARS)


def message(chance: random.Random, kind: str, depth: int = 3) -> str:
    """Return an object with Twilio's keys and random values; some keys are missing."""
    fields = [
        f'"{key}":{value(chance, depth)}'
        for key in chance.sample(KEYS, k=4 if depth else 1)
    ]
    if chance.random() < 0.8:
        fields.append(f'"type":"{kind}"')
    return "{" + ",".join(fields) + "}"


def broken(chance: random.Random) -> str:
    """Return a message that is cut or changed at a random place."""
    frame = message(chance, chance.choice(TYPES)) or "{"
    place = chance.randrange(len(frame))
    return (
        frame[:place] + chance.choice(["", "\x00", "{", '"', "\\"]) + frame[place + 1 :]
    )


def nested(chance: random.Random) -> str:
    """Return brackets nested deeper than any parser's stack."""
    opening, closing = chance.choice(["[]", ('{"type":', "}")])
    depth = chance.choice([50, 1_000, 60_000 // len(opening + closing)])
    return opening * depth + chance.choice(["", closing * depth])


def setup(chance: random.Random) -> str:
    """Return a setup message, which is invalid in the middle of a call."""
    return json.dumps({"type": "setup", "callSid": f"CA{chance.getrandbits(128):032x}"})


def binary(chance: random.Random) -> bytes:
    """Return bytes that are no text."""
    return chance.randbytes(chance.choice([0, 1, 40, 4_000]))


def text(chance: random.Random) -> str:
    """Return text that is no JSON."""
    return chance.choice(
        ["", " ", SECRET, "\x00", "\ufeff{}", "{}", "data: {}", "\u2028"]
    )


GENERATORS: list[tuple[Callable[[random.Random], str | bytes], int]] = [
    (lambda chance: message(chance, chance.choice(TYPES)), 60),
    (broken, 15),
    (text, 10),
    (binary, 10),
    (setup, 4),
    (nested, 1),
]


def frames(chance: random.Random, count: int) -> list[str | bytes]:
    generators, weights = zip(*GENERATORS, strict=True)
    return [make(chance) for make in chance.choices(generators, weights, k=count)]


def prompt(words: str) -> str:
    return json.dumps({"type": "prompt", "voicePrompt": words, "last": True})


def megabytes(server: LiveServer) -> float:
    """Return the resident memory of the server process."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (resident,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(resident.split()[1]) / 1024


async def is_answered(call: SimulatedCall, words: str = "Are you there?") -> None:
    """Wait until the bot is quiet, then check that it answers a question."""
    await call.say(words)
    heard = await call.reply()
    # If a strange `error` frame names its clip, Twilio's voice reads it.
    assert heard
    assert {sound.kind for sound in heard} <= {"clip", "tts"}


async def test_ten_thousand_strange_frames_leave_the_call_and_its_neighbour_alive(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    chance = random.Random(64107)
    written, held = len(server.output), megabytes(server)

    async def attack() -> None:
        async with dial(server, keep_audio=False) as call:
            await call.reply()
            for frame in frames(chance, FRAMES):
                await call.send_raw(frame)
            await call.send_raw(prompt("word " * 12_000))  # 60 KB
            await is_answered(call)
        row = await closed(call.call_sid)
        assert (row.status, row.end_reason) == ("completed", "caller-hung-up")

    async with dial(server) as neighbour:
        await neighbour.reply()
        attacks = asyncio.gather(*(attack() for _ in range(CALLS)))
        answers = 0
        while not attacks.done():
            await is_answered(neighbour, "And now?")
            answers += 1
        await attacks
        await is_answered(neighbour)
    assert neighbour.errors == []
    # It had its answers between the frames, not after all of them; usually 15.
    assert answers >= 3
    assert megabytes(server) - held < MEGABYTES
    assert tracebacks(server.output[written:]) == []
    assert SECRET not in server.output


FATAL: dict[str, Any] = {
    "a megabyte": prompt("word " * 200_000),
    "a megabyte of bytes": bytes(1_000_000),
    "just over 64 KB": "x" * (64 * 1024 + 1),
}


async def goes_on(call: SimulatedCall) -> None:
    """Check that a call that lost its socket is reconnected and ends normally."""
    await call.record.until(lambda: call.sessions == 2)
    await is_answered(call)
    await call.hang_up()
    row = await closed(call.call_sid)
    assert (row.end_reason, row.reconnects) == ("caller-hung-up", 1)


@pytest.mark.parametrize("frame", FATAL.values(), ids=FATAL)
async def test_an_oversized_frame_costs_its_own_call_a_reconnection_only(
    server: LiveServer, inworld: FakeInworld, bot: Bot, frame: str | bytes
) -> None:
    written, held = len(server.output), megabytes(server)
    async with dial(server) as neighbour, dial(server) as call:
        await neighbour.reply()
        await call.reply()
        with suppress(ConnectionClosed):  # perhaps refused before all of it was sent
            await call.send_raw(frame)
        await goes_on(call)
        await is_answered(neighbour)
    assert megabytes(server) - held < MEGABYTES
    assert tracebacks(server.output[written:]) == []


async def test_text_that_is_not_utf_8_costs_its_own_call_a_reconnection_only(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    written = len(server.output)
    async with dial(server) as neighbour, dial(server) as call:
        await neighbour.reply()
        await call.reply()
        session = await call._live()
        await session._socket.send(b'{"type":"prompt","voicePrompt":"\xff"}', text=True)
        await goes_on(call)
        await is_answered(neighbour)
    assert tracebacks(server.output[written:]) == []
