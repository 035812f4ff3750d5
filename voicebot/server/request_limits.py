"""Requests that come to an end: none is too long, none takes for ever to arrive.

daphne keeps whatever it is sent until the last byte is there, and only then asks us.
"""

from time import monotonic
from typing import Any

from daphne.http_protocol import WebRequest

# A page of the desk with all its fields; a callback of the carrier has 2 KB.
MAX_BYTES = 3_000_000
ARRIVAL_SECONDS = 30.0
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """A request that is refused before it has filled the disk."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.began = monotonic()
        self.taken = 0
        self.refused = False
        super().__init__(*args, **options)

    def gotLength(self, length: int | None) -> None:
        """The headers are there; they may say how much follows."""
        too_long = length is not None and length > MAX_BYTES
        super().gotLength(0 if too_long else length)
        if too_long:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body while there is room for it."""
        self.taken += len(data)
        if self.taken > MAX_BYTES:
            self._refuse()
        if not self.refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """All of it is there."""
        # With it daphne lets clients say which part of the path is not ours, and Django
        # then finds another page than the one that we let in without a session.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return None if self.refused else super().process()

    def check_timeouts(self) -> None:
        """Let go of a client that does not come to an end; called every two seconds."""
        arriving = not hasattr(self, "request_start")
        if arriving and monotonic() - self.began > ARRIVAL_SECONDS and self.channel:
            self.channel.loseConnection()
        super().check_timeouts()

    def _refuse(self) -> None:
        if not self.refused:
            self.refused = True
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()


def limit_requests(factory: Any) -> None:
    """Have daphne's factory make requests of this kind."""
    build = factory.buildProtocol

    def bounded(address: Any) -> Any:
        protocol = build(address)
        if protocol is not None:
            protocol.requestFactory = LimitedRequest
        return protocol

    factory.buildProtocol = bounded
