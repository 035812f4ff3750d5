"""Limits for the size of HTTP requests, and for the time they take to arrive.

daphne has neither: it stores a request until its last byte, and only then passes it on.
Twisted's timeout starts anew with each byte, so a byte a minute holds a connection for
ever.
"""

from typing import Any

from voicebot.server.response_limits import PacedChannel, PacedRequest

# Enough for the largest form of the admin; a callback of Twilio has 2 KB.
MAX_BYTES = 3_000_000
ARRIVAL_SECONDS = 30.0
TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class LimitedChannel(PacedChannel):
    """A connection on which each request arrives in time, from its first byte.

    Twisted stops the timeout while a request is answered, and starts it afterwards.
    """

    is_arriving = False

    def dataReceived(self, data: bytes) -> None:
        """Start the time of a request with its first byte, and with no other."""
        if not self.is_arriving:
            self.is_arriving = True
            super().resetTimeout()  # type: ignore[no-untyped-call]
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def resetTimeout(self) -> None:
        """Ignore that Twisted received more of the request."""

    def requestDone(self, request: Any) -> None:
        """Be ready for the connection's next request."""
        self.is_arriving = False
        super().requestDone(request)


class LimitedRequest(PacedRequest):
    """Refuses a request with 413 as soon as it is too large."""

    def __init__(self, *args: Any, **options: Any) -> None:
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

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Pass a complete request on, without Twisted's own reading of its form.

        A megabyte of it takes a second of the event loop, and so of all calls. Django
        reads forms in a thread.
        """
        self.content.seek(0)
        self.args: dict[bytes, list[bytes]] = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()

    def process(self) -> Any:
        """Process the complete request."""
        # With this header daphne lets a client move the root of the URLs. A path that
        # `by_path` lets pass without middleware would then reach another view.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return None if self.refused else super().process()

    def _refuse(self) -> None:
        if not self.refused:
            self.refused = True
            self.channel.transport.write(TOO_LARGE)
            self.channel.loseConnection()


def limit_requests(factory: Any) -> None:
    """Make daphne's protocol factory use `LimitedChannel` and `LimitedRequest`."""
    factory.protocol = LimitedChannel
    factory.timeOut = ARRIVAL_SECONDS
    build = factory.buildProtocol

    def build_limited(address: Any) -> Any:
        protocol = build(address)
        if protocol is not None:
            protocol.requestFactory = LimitedRequest
        return protocol

    factory.buildProtocol = build_limited
