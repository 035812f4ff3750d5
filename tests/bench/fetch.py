"""Downloads clips over persistent connections, with little CPU of the bench itself.

Plays the part of a carrier that starts to play as soon as sound arrives.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
TIMEOUT = 10.0
BUFFER = 1 << 20
HEADER = 44
BYTE_RATE = slice(28, 32)  # of a WAV file's header


class BadAnswer(Exception):
    """The server did not answer with a clip."""


@dataclass(slots=True)
class Download:
    """A clip as it arrives; `on_sound` is called at the first sound."""

    on_sound: Callable[[], None]
    body: bytearray = field(default_factory=bytearray)
    began_at: float = 0.0
    runs_dry_at: float = 0.0
    gap: float = 0.0  # how long a player has waited for sound within the clip (s)

    def feed(self, data: bytes) -> None:
        """Take bytes that arrive now."""
        self.body += data
        if len(self.body) <= HEADER:
            return
        now, seconds = monotonic(), clip_seconds(self.body)
        if not self.began_at:
            self.began_at = self.runs_dry_at = now
            self.on_sound()
        self.gap += max(now - self.runs_dry_at, 0.0)
        self.runs_dry_at = self.began_at + self.gap + seconds


@dataclass(slots=True)
class Line:
    """One HTTP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, request: bytes, download: Download) -> int:
        """Send a request and receive the body; return the status."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if length := LENGTH.search(head):
            download.feed(await self.reader.readexactly(int(length[1])))
        elif CHUNKED.search(head):
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                download.feed((await self.reader.readexactly(size + 2))[:-2])
            await self.reader.readuntil(b"\r\n")
        else:
            raise BadAnswer(f"status {head[9:12].decode()} without a length")
        return int(head[9:12])


class Fetcher:
    """A pool of connections to one server; it grows with parallel downloads."""

    def __init__(self, server: str, public: str) -> None:
        parts = urlsplit(server)
        self.address = parts.hostname, parts.port
        self.host = urlsplit(public).netloc
        self.idle: list[Line] = []

    async def clip(self, url: str, download: Download) -> None:
        """Download a clip; raises BadAnswer when the answer is no clip."""
        path = urlsplit(url).path
        request = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        async with asyncio.timeout(TIMEOUT):
            status = await self._get(request, download)
        if status != 200:
            raise BadAnswer(f"status {status}")
        if download.body[:4] != b"RIFF" or len(download.body) < HEADER:
            raise BadAnswer("no WAV file")

    def close(self) -> None:
        for line in self.idle:
            line.writer.close()

    async def _get(self, request: bytes, download: Download) -> int:
        while self.idle:
            # The server may have closed a connection that was idle for long.
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._over(self.idle.pop(), request, download)
        host, port = self.address
        reader, writer = await asyncio.open_connection(host, port, limit=BUFFER)
        return await self._over(Line(reader, writer), request, download)

    async def _over(self, line: Line, request: bytes, download: Download) -> int:
        try:
            answer = await line.get(request, download)
        except BaseException:
            line.writer.close()
            raise
        self.idle.append(line)
        return answer


def clip_seconds(body: bytes | bytearray) -> float:
    """Return the duration of a WAV file, or of the part that has arrived."""
    a_second = int.from_bytes(body[BYTE_RATE], "little")
    start = body.find(b"data", 12, 200)
    return (len(body) - start - 8) / a_second if a_second and start > 0 else 0.0
