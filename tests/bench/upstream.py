"""A fake Inworld with realistic timing: python -m tests.bench.upstream --pace 5

Keeps, on the machine's monotonic clock, when it received each request and when it
sent the first and last sound of each sentence; GET /records hands that out, once.
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
from tests.bench.turns import KINDS, PACE, Step, script
from tests.support.inworld.script import SAMPLE_VOICES, tone, wav

# What the caller says ends in this: the turn's name, and the kind of reply to give.
TAG = re.compile(rb"bench:([\w.-]+):(\w+)")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
JITTER_MS = 100
CHARACTERS_PER_SECOND = 15
# Whatever becomes of the bench, this process ends.
LIFETIME_SECONDS = 3600.0


@dataclass(slots=True)
class Record:
    """What became of one chat request; all times monotonic."""

    tag: str
    arrived: float
    fresh: bool  # the first request of its connection
    marks: dict[str, float] = field(default_factory=dict)
    hung_up: float = 0.0


@dataclass(slots=True)
class Ledger:
    """Everything seen since it was last asked for."""

    scripts: dict[str, list[Step]]
    lag: Lag = field(default_factory=Lag)
    records: list[Record] = field(default_factory=list)

    def hand_out(self) -> dict[str, Any]:
        records, self.records = self.records, []
        return {"records": [*map(asdict, records)], "lag_ms": self.lag.take()}


class Reply:
    """One reply being sent, step by step, from timers."""

    def __init__(
        self, transport: asyncio.WriteTransport, steps: list[Step], record: Record
    ) -> None:
        self.transport = transport
        self.steps = steps
        self.record = record
        # Requests that came together are not answered in lockstep.
        jitter = crc32(record.tag.encode()) % JITTER_MS / 1000
        self.began = record.arrived + jitter
        self.next = 0
        self.loop = asyncio.get_running_loop()
        transport.write(STREAM)
        self.timer = self.loop.call_at(self.began + steps[0].at, self._go_on)

    @property
    def over(self) -> bool:
        return self.next == len(self.steps)

    def _go_on(self) -> None:
        passed = monotonic() - self.began
        while not self.over and (step := self.steps[self.next]).at <= passed:
            if step.mark:
                self.record.marks[step.mark] = monotonic()
            self.transport.write(step.sent)
            self.next += 1
        if not self.over:
            due = self.began + self.steps[self.next].at
            self.timer = self.loop.call_at(due, self._go_on)

    def hang_up(self) -> None:
        """The client has gone."""
        self.timer.cancel()
        if not (self.over or self.record.hung_up):
            self.record.hung_up = monotonic()


class Connection(asyncio.Protocol):
    """HTTP/1.1, as much of it as httpx speaks."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
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
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self.received) < whole:
            return
        request = bytes(self.received[:whole])
        del self.received[:whole]
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
            self.ledger.records.append(record)
            steps = self.ledger.scripts[kind.decode()]
            self.reply = Reply(self.transport, steps, record)
        elif request.startswith(b"POST /tts/v1/voice"):
            self._send(_voiced(request.partition(b"\r\n\r\n")[2]))
        elif request.startswith(b"GET /voices/"):
            voices = {"voices": SAMPLE_VOICES, "nextPageToken": ""}
            self._send(json.dumps(voices).encode())
        elif request.startswith(b"GET /records"):
            self._send(json.dumps(self.ledger.hand_out()).encode())
        else:
            self.transport.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    def _send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@cache
def _voiced(body: bytes) -> bytes:
    asked = json.loads(body)
    rate, length = asked["audioConfig"]["sampleRateHertz"], len(asked["text"])
    spoken = wav(tone(length / CHARACTERS_PER_SECOND, rate), rate)
    used = {"processedCharactersCount": length, "modelId": asked["modelId"]}
    encoded = base64.b64encode(spoken).decode()
    return json.dumps({"audioContent": encoded, "usage": used}).encode()


async def serve(pace: float) -> None:
    """Answer until terminated."""
    ledger = Ledger({kind: script(kind, pace) for kind in KINDS})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(ledger), "127.0.0.1", 0, backlog=1024
    )
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"listening on http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    await ledger.lag.watch(LIFETIME_SECONDS)


def main() -> None:
    """Serve on a free port, which is printed."""
    parser = ArgumentParser(prog="python -m tests.bench.upstream")
    parser.add_argument("--pace", type=float, default=PACE)
    asyncio.run(serve(parser.parse_args().pace))


if __name__ == "__main__":
    main()
