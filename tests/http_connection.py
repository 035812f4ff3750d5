"""The server's end of one HTTP/1.1 connection, on a real socket."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names in lower case, `at` in the loop's seconds."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    connection: int
    at: float


class Connection:
    """One client's socket, spoken to in HTTP/1.1."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.reader, self.writer, self.number = reader, writer, number
        self.http = h11.Connection(h11.SERVER)

    async def receive(self) -> Request | None:
        """The next request, or None once the client has gone."""
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
