"""Flow control for every response, and limits for the time its client takes.

daphne hands all that an application sends to the connection at once, which stores what
the client has not taken yet: six slow downloads took 700 MB. Here `await send()` waits
until the client has taken it.

A response is cut off when its client takes none of it for 30 seconds, or after ten
minutes and a second more for each 50 kB taken. A body that grows slowly is not cut off
for that: only the time counts in which the client has something to take. If many
clients take nothing, those that have waited longest are cut off, but never a clip's.
"""

import logging
from asyncio import Event
from collections.abc import Iterator
from time import monotonic
from typing import Any, ClassVar

from daphne.http_protocol import WebRequest
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

log = logging.getLogger(__name__)

# Sent at a time. The connection stores one of them; the kernel's buffer comes on top.
SLICE_BYTES = 64 * 1024
# Longest time for a slice.
STALL_SECONDS = 30.0
LONGEST_SECONDS = 600.0
LEAST_BYTES_PER_SECOND = 50_000
# Responses that wait for their clients at once. A page has some 300 KB.
MAX_WAITING = 100
CLIPS = b"/audio/"

Message = dict[str, Any]


class PacedChannel(HTTPChannel):
    """A connection that says when the client has taken what was written."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.drained = Event()
        self.drained.set()

    def pauseProducing(self) -> None:
        """The connection stores enough."""
        self.drained.clear()
        super().pauseProducing()  # type: ignore[no-untyped-call]

    def resumeProducing(self) -> None:
        """The connection stores nothing any more."""
        self.drained.set()
        super().resumeProducing()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Let nobody wait for a client that left."""
        self.drained.set()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        """Limit the time of the last slice on a connection that is closed after it."""
        super().requestDone(request)  # type: ignore[no-untyped-call]
        if not self.persistent:
            self.setTimeout(STALL_SECONDS)  # type: ignore[no-untyped-call]


class PacedRequest(WebRequest):  # type: ignore[misc]
    """A request whose response goes as fast as the client takes it, and no slower."""

    # Responses that wait, except for clips; those that have waited longest come first.
    waiting: ClassVar[dict["PacedRequest", None]] = {}
    waits_since: float | None = None

    async def taken(self) -> None:
        """Wait until the client has taken what was sent, or has left."""
        channel = getattr(self, "channel", None)  # none once the response has ended
        if channel is None or channel.drained.is_set():
            return
        self.waits_since = monotonic()
        if not self.path.startswith(CLIPS):
            self.waiting[self] = None
        if len(self.waiting) > MAX_WAITING:
            next(iter(self.waiting)).cut_off()
        try:
            await channel.drained.wait()
        finally:
            self.waits_since = None
            self.waiting.pop(self, None)

    def check_timeouts(self) -> None:
        """Cut off a response that takes too long. daphne asks every two seconds."""
        if not self._response_started:
            super().check_timeouts()
        elif not self.finished and self._is_late():
            self.cut_off()

    def cut_off(self) -> None:
        """Close the connection so that the client knows that something is missing."""
        self.waiting.pop(self, None)
        if self.channel is not None:
            log.info("A response was cut off: its client takes too long")
            self.channel.transport.abortConnection()

    def _is_late(self) -> bool:
        since = self.waits_since
        if since is not None and monotonic() - since > STALL_SECONDS:
            return True
        more = self.sentLength / LEAST_BYTES_PER_SECOND
        return bool(self.duration() > LONGEST_SECONDS + more)


def slices(message: Message) -> Iterator[Message]:
    """A message of an application as several, none of which has too large a body."""
    body = message.get("body", b"")
    if len(body) <= SLICE_BYTES:
        yield message
        return
    for begin in range(0, len(body), SLICE_BYTES):
        more = message.get("more_body", False) or begin + SLICE_BYTES < len(body)
        part = body[begin : begin + SLICE_BYTES]
        yield {**message, "body": part, "more_body": more}
