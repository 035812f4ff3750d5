"""The server's end of one HTTP/1.1 connection, on a real socket."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import h11


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case, `at` in the event loop's seconds."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    connection: int
    at: float


class LocalServer:
    """A server in the test's event loop, optionally TLS; `serve` answers a client."""

    def __init__(self, port: int = 0, tls: SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    async def serve(self, connection: "Connection") -> None:
        """Answer one client until either side disconnects."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self.tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = Connection(reader, writer, len(self._tasks) + 1)
        self._tasks.append(asyncio.create_task(self._serve(connection)))

    async def _serve(self, connection: "Connection") -> None:
        try:
            await self.serve(connection)
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the client disconnected
        finally:
            connection.writer.close()
            with suppress(ConnectionError):
                await connection.writer.wait_closed()


class Connection:
    """An HTTP/1.1 connection of one client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.reader, self.writer, self.number = reader, writer, number
        self.http = h11.Connection(h11.SERVER)

    async def receive(self) -> Request | None:
        """Return the next request, or None after the client disconnected."""
        head, body = None, b""
        while True:
            received = self.http.next_event()
            if received is h11.NEED_DATA:
                self.http.receive_data(await self.reader.read(65_536))
            elif isinstance(received, h11.Request):
                head = received
            elif isinstance(received, h11.Data):
                body += received.data
            elif isinstance(received, h11.EndOfMessage) and head:
                return self._request(head, body)
            else:
                return None

    async def stream(self, piece: bytes) -> None:
        """Send one piece of an event stream, after its headers if it is the first."""
        if self.http.our_state is h11.SEND_RESPONSE:
            await self._send(_head(200, {"Content-Type": "text/event-stream"}))
        await self._send(h11.Data(data=piece))

    async def end(self) -> None:
        await self.stream(b"")
        await self._send(h11.EndOfMessage())

    async def respond(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        length = {"Content-Length": str(len(body))}
        await self._send(_head(code, {**headers, **length}))
        await self._send(h11.Data(data=body))
        await self._send(h11.EndOfMessage())

    async def gone(self) -> None:
        """Return when the client closes its side."""
        with suppress(ConnectionError):
            while received := await self.reader.read(65_536):
                self.http.receive_data(received)

    async def _send(self, sent: h11.Event) -> None:
        self.writer.write(self.http.send(sent) or b"")
        await self.writer.drain()

    def _request(self, head: h11.Request, body: bytes) -> Request:
        target = urlsplit(head.target.decode())
        return Request(
            method=head.method.decode(),
            path=target.path,
            query={name: words[0] for name, words in parse_qs(target.query).items()},
            headers={name.decode(): value.decode() for name, value in head.headers},
            body=json.loads(body) if body else None,
            connection=self.number,
            at=asyncio.get_running_loop().time(),
        )


def _head(code: int, headers: dict[str, str]) -> h11.Response:
    return h11.Response(status_code=code, headers=list(headers.items()))
