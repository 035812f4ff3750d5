"""An HTTP server for tools, on a real socket, which can misbehave.

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
    """A complete answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """An answer that waits for `ToolServer.resume`."""

    then: Said = field(default_factory=Said)


@dataclass(frozen=True, slots=True)
class Drips:
    """An endless answer that sends one character at a time."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """A disconnect: at once, or in the middle of an answer."""

    after: bytes = b""


Behaviour = Said | Waits | Drips | Leaves


def redirect(location: str, status: int = 302) -> Said:
    """Return a redirect."""
    return Said(status, b"", {"Location": location})


def json_answer(text: str, status: int = 200) -> Said:
    """Return an answer in JSON."""
    return Said(status, text.encode(), {"Content-Type": "application/json"})


class ToolServer(LocalServer):
    """Records requests and answers by path; unknown paths get 404."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        super().__init__(port, tls)
        self.answers: dict[str, Behaviour | Callable[[Request], Behaviour]] = {}
        self.requests: list[Request] = []
        self._arrived = asyncio.Event()
        self._gate = asyncio.Semaphore(0)

    def resume(self) -> None:
        """Release one waiting answer."""
        self._gate.release()

    async def request(self, number: int = 1, timeout: float = 15) -> Request:  # noqa: ASYNC109
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
        answer = self.answers.get(request.path, Said(404, b"Nothing here."))
        await self._answer(client, answer(request) if callable(answer) else answer)

    async def _answer(self, client: Connection, behaviour: Behaviour) -> None:
        match behaviour:
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
