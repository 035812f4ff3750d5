"""Somebody's HTTP server that tools call, on a real socket, with every bad habit.

async with ToolServer() as tools:
    tools.answers["/orders/42"] = Said(200, b'{"state": "sent"}')
    tools.answers["/slow"] = Waits()      # until tools.resume()
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Self

import h11

from tests.http_connection import Connection, Request

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Said:
    """One whole answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers only once it is told to go on."""

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


class ToolServer:
    """Keeps what it was asked and answers by path; what it does not know is 404."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self.answers: dict[str, Habit | Callable[[Request], Habit]] = {}
        self.requests: list[Request] = []
        self._arrived = asyncio.Event()
        self._gate = asyncio.Semaphore(0)
        self._clients: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

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

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for client in self._clients:
            client.cancel()
        ends = await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        client = Connection(reader, writer, len(self.requests) + 1)
        self._clients.add(asyncio.create_task(self._converse(client)))

    async def _converse(self, client: Connection) -> None:
        try:
            await self._serve(client)
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the client has gone
        finally:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()

    async def _serve(self, client: Connection) -> None:
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
