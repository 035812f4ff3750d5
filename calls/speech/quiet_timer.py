"""Looks at a reply's stream when its quiet has lasted long enough to mean something."""

import asyncio
from collections.abc import Callable

from bots.inworld.segments import Segment
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import SHORTEST_QUIET


class QuietTimer:
    """One timer for a stream; `ready` gets the segments that are due."""

    def __init__(self, stream: ReplyStream, ready: Callable[[Segment], None]) -> None:
        self.stream = stream
        self.ready = ready
        self.loop = asyncio.get_running_loop()
        self.handle: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Sound has come: look after it has been quiet long enough."""
        # A timer that fires before anything can be due looks anew then.
        if self.handle and self.handle.when() <= self.loop.time() + SHORTEST_QUIET:
            return None
        if (delay := self.stream.due_in()) is None:
            return self.cancel()
        at = self.loop.time() + delay
        # So does one that fires earlier: most sounds cost none.
        if self.handle is None or at < self.handle.when():
            self.cancel()
            self.handle = self.loop.call_at(at, self._look)
        return None

    def cancel(self) -> None:
        """Look no more."""
        if self.handle:
            self.handle.cancel()
            self.handle = None

    def _look(self) -> None:
        self.handle = None
        for segment in self.stream.poll():
            self.ready(segment)
        self.restart()
