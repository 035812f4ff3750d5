"""A fake Inworld with realistic timing: python -m tests.bench.upstream --pace 5

Records, on the machine's monotonic clock, when it received each request and when it
sent the first and last sound of each sentence; GET /records returns and clears that.
"""

import asyncio
import base64
import json
import re
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from functools import cache
from time import monotonic
from typing import Any
from zlib import crc32

from tests.bench.lag import Lag
from tests.bench.turns import HUNG, KINDS, PACE, Step, script
from tests.support.inworld.script import SAMPLE_VOICES, tone, wav

# The caller's words contain this: the name of the turn and the kind of reply.
TAG = re.compile(rb"bench:([\w.-]+):(\w+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
JITTER_MS = 100
CHARACTERS_PER_SECOND = 15
# How long the voice takes for a fixed sentence, such as a greeting.
VOICE_SECONDS = 0.2
# This process ends even if the bench was killed.
LIFETIME_SECONDS = 3600.0


@dataclass(slots=True)
class Record:
    """The times of one chat request; all monotonic."""

    tag: str
    arrived: float
    fresh: bool  # the first request of its connection
    marks: dict[str, float] = field(default_factory=dict)
    hung_up: float = 0.0


@dataclass(slots=True)
class Records:
    """The records since they were last taken, and the scripts of replies."""

    scripts: dict[str, list[Step]]
    lag: Lag = field(default_factory=Lag)
    records: list[Record] = field(default_factory=list)

    def take(self) -> dict[str, Any]:
        records, self.records = self.records, []
        return {"records": [*map(asdict, records)], "lag_ms": self.lag.take()}


class Reply:
    """Sends one reply step by step, from timers."""

    def __init__(
        self, transport: asyncio.WriteTransport, steps: list[Step], record: Record
    ) -> None:
        self.transport = transport
        self.steps = steps
        self.record = record
        # Requests that arrive together are not answered in lockstep.
        jitter = crc32(record.tag.encode()) % JITTER_MS / 1000
        self.start = record.arrived + jitter
        self.next = 0
        self.loop = asyncio.get_running_loop()
        transport.write(STREAM)
        self.timer = self.loop.call_at(self.start + steps[0].at, self._go_on)

    @property
    def over(self) -> bool:
        return self.next == len(self.steps)

    def _go_on(self) -> None:
        passed = monotonic() - self.start
        while not self.over and (step := self.steps[self.next]).at <= passed:
            if step.mark:
                self.record.marks[step.mark] = monotonic()
            self.transport.write(step.sent)
            self.next += 1
        if not self.over:
            due = self.start + self.steps[self.next].at
            self.timer = self.loop.call_at(due, self._go_on)

    def hang_up(self) -> None:
        """Record that the client disconnected."""
        self.timer.cancel()
        if not (self.over or self.record.hung_up):
            self.record.hung_up = monotonic()


class Connection(asyncio.Protocol):
    """The part of HTTP/1.1 that httpx uses."""

    def __init__(self, store: Records) -> None:
        self.store = store
        self.received = bytearray()
        self.replies = 0
        self.used = False
        self.reply: Reply | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self.received, 0, end + 2)
        request_size = end + 4 + (int(length[1]) if length else 0)
        if len(self.received) < request_size:
            return
        request = bytes(self.received[:request_size])
        del self.received[:request_size]
        self._answer(request, monotonic())

    def eof_received(self) -> bool:
        if self.reply:
            self.reply.hang_up()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.reply:
            self.reply.hang_up()

    def _answer(self, request: bytes, now: float) -> None:
        fresh, self.used = not self.used, True
        if request.startswith(b"POST /v1/chat/completions"):
            tag, kind = (TAG.findall(request) or [(b"none", b"standard")])[-1]
            record = Record(tag.decode(), now, fresh)
            self.store.records.append(record)
            if kind.decode() == HUNG:
                return
            steps = self.store.scripts[kind.decode()]
            self.reply = Reply(self.transport, steps, record)
        elif request.startswith(b"POST /tts/v1/voice"):
            voiced = _voiced(request.partition(b"\r\n\r\n")[2])
            asyncio.get_running_loop().call_later(VOICE_SECONDS, self._send, voiced)
        elif request.startswith(b"GET /voices/"):
            voices = {"voices": SAMPLE_VOICES, "nextPageToken": ""}
            self._send(json.dumps(voices).encode())
        elif request.startswith(b"GET /records"):
            self._send(json.dumps(self.store.take()).encode())
        else:
            self.transport.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    def _send(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@cache
def _voiced(body: bytes) -> bytes:
    request = json.loads(body)
    rate, length = request["audioConfig"]["sampleRateHertz"], len(request["text"])
    spoken = wav(tone(length / CHARACTERS_PER_SECOND, rate), rate)
    used = {"processedCharactersCount": length, "modelId": request["modelId"]}
    encoded = base64.b64encode(spoken).decode()
    return json.dumps({"audioContent": encoded, "usage": used}).encode()


async def serve(pace: float) -> None:
    """Answer requests until terminated."""
    store = Records({kind: script(kind, pace) for kind in KINDS})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(store), "127.0.0.1", 0, backlog=1024
    )
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await store.lag.watch(LIFETIME_SECONDS)


def main() -> None:
    """Serve on a free port, which is printed."""
    parser = ArgumentParser(prog="python -m tests.bench.upstream")
    parser.add_argument("--pace", type=float, default=PACE)
    asyncio.run(serve(parser.parse_args().pace))


if __name__ == "__main__":
    main()
