"""Downloads clips over persistent connections, with little CPU of the bench itself."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TIMEOUT = 10.0
BUFFER = 1 << 20
BYTE_RATE = slice(28, 32)  # of a WAV file's header


class BadAnswer(Exception):
    """The server did not answer with a clip."""


@dataclass(slots=True)
class Line:
    """One HTTP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and the body."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None:
            raise BadAnswer(f"status {head[9:12].decode()} without a length")
        return int(head[9:12]), await self.reader.readexactly(int(length[1]))


class Fetcher:
    """A pool of connections to one server; it grows with parallel downloads."""

    def __init__(self, server: str, public: str) -> None:
        parts = urlsplit(server)
        self.address = parts.hostname, parts.port
        self.host = urlsplit(public).netloc
        self.idle: list[Line] = []

    async def clip(self, url: str) -> bytes:
        """Download a clip; raises BadAnswer when the answer is no clip."""
        path = urlsplit(url).path
        request = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        async with asyncio.timeout(TIMEOUT):
            status, body = await self._get(request)
        if status != 200:
            raise BadAnswer(f"status {status}")
        if body[:4] != b"RIFF" or len(body) < 44:
            raise BadAnswer("no WAV file")
        return body

    def close(self) -> None:
        for line in self.idle:
            line.writer.close()

    async def _get(self, request: bytes) -> tuple[int, bytes]:
        while self.idle:
            # The server may have closed a connection that was idle for long.
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._over(self.idle.pop(), request)
        host, port = self.address
        reader, writer = await asyncio.open_connection(host, port, limit=BUFFER)
        return await self._over(Line(reader, writer), request)

    async def _over(self, line: Line, request: bytes) -> tuple[int, bytes]:
        try:
            answer = await line.get(request)
        except BaseException:
            line.writer.close()
            raise
        self.idle.append(line)
        return answer


def clip_seconds(body: bytes) -> float:
    """Return the duration of a WAV file."""
    a_second = int.from_bytes(body[BYTE_RATE], "little")
    start = body.find(b"data", 12, 200)
    return (len(body) - start - 8) / a_second if a_second and start > 0 else 0.0
