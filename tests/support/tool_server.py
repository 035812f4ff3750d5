"""Somebody's HTTP server that tools call, on a real socket, with every bad habit.

async with ToolServer() as tools:
    tools.answers["/orders/42"] = Said(200, b'{"state": "sent"}')
    tools.answers["/slow"] = Waits()      # until tools.resume()
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ssl import SSLContext

from tests.support.http_connection import Connection, LocalServer, Request

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """One complete answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """An answer that is sent when the test allows it."""

    then: Said = field(default_factory=Said)


@dataclass(frozen=True, slots=True)
class Drips:
    """Answers at once and never comes to an end, a sign at a time."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """Hangs up: at once, or in the middle of an answer."""

    after: bytes = b""


Habit = Said | Waits | Drips | Leaves


def redirect(place: str, status: int = 302) -> Said:
    """An answer that leads elsewhere."""
    return Said(status, b"", {"Location": place})


def json_answer(text: str, status: int = 200) -> Said:
    """An answer in JSON."""
    return Said(status, text.encode(), {"Content-Type": "application/json"})


class ToolServer(LocalServer):
    """Keeps what it was asked and answers by path; what it does not know is 404."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.answers: dict[str, Habit | Callable[[Request], Habit]] = {}
        self.requests: list[Request] = []
        self._arrived = asyncio.Event()
        self._gate = asyncio.Semaphore(0)

    def resume(self) -> None:
        """Let one answer go on that waits."""
        self._gate.release()

    async def request(self, number: int = 1, timeout: float = 5) -> Request:  # noqa: ASYNC109
        """Wait for the n-th request, counted from 1."""
        async with asyncio.timeout(timeout):
            while len(self.requests) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.requests[number - 1]

    async def serve(self, client: Connection) -> None:
        request = await client.receive()
        if request is None:
            return
        self.requests.append(request)
        self._arrived.set()
        found = self.answers.get(request.path, Said(404, b"Nothing here."))
        await self._answer(client, found(request) if callable(found) else found)

    async def _answer(self, client: Connection, habit: Habit) -> None:
        match habit:
            case Waits(then):
                await self._gate.acquire()
                await self._answer(client, then)
            case Said(status, body, headers):
                await client.respond(status, body, dict(headers))
            case Drips():
                while True:
                    await client.stream(b" ")
                    await asyncio.sleep(0.02)
            case Leaves(after):
                if after:
                    client.writer.write(after)
                    await client.writer.drain()
