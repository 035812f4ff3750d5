"""Limits for the size of HTTP requests, and for the time they take to arrive.

daphne has neither: it stores a request until its last byte, and only then passes it on.
"""

from time import monotonic
from typing import Any

from daphne.http_protocol import WebRequest

# Enough for the largest form of the admin; a callback of Twilio has 2 KB.
MAX_BYTES = 3_000_000
ARRIVAL_SECONDS = 30.0
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class LimitedRequest(WebRequest):  # type: ignore[misc]
    """Refuses a request with 413 as soon as it is too large."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.began = monotonic()
        self.received = 0
        self.refused = False
        super().__init__(*args, **options)

    def gotLength(self, length: int | None) -> None:
        """Check the Content-Length header, after the headers have arrived."""
        too_long = length is not None and length > MAX_BYTES
        super().gotLength(0 if too_long else length)
        if too_long:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Store a part of the body, within the limit."""
        self.received += len(data)
        if self.received > MAX_BYTES:
            self._refuse()
        if not self.refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """Process the complete request."""
        # With this header daphne lets a client move the root of the URLs. A path that
        # `by_path` lets pass without middleware would then reach another view.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return None if self.refused else super().process()

    def check_timeouts(self) -> None:
        """Disconnect a client that sends too slowly; called every two seconds."""
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
    """Make daphne's protocol factory use `LimitedRequest`."""
    build = factory.buildProtocol

    def build_limited(address: Any) -> Any:
        protocol = build(address)
        if protocol is not None:
            protocol.requestFactory = LimitedRequest
        return protocol

    factory.buildProtocol = build_limited
