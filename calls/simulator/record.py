"""What happened on a simulated call: the sounds heard and the frames exchanged."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["clip", "carrier", "digits"]


@dataclass(slots=True)
class Heard:
    """One sound on the line; a clip's words are not known here, only its audio."""

    kind: Kind
    seconds: float  # its whole length
    text: str | None = None
    wav: bytes = b""
    source: str = ""
    turn: int = 0  # 0: before the caller said anything
    at_ms: float = 0.0  # since dialling
    waited_ms: float = 0.0  # since the caller stopped speaking
    played_seconds: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One message on the relay socket; unreadable ones are kept as they came."""

    at_ms: float  # since dialling
    sent: bool  # by the carrier, to the server
    message: Any


class Clock:
    """Seconds since dialling; a fast clock jumps ahead instead of waiting."""

    def __init__(self, *, fast: bool) -> None:
        self.fast = fast
        self._began = time.monotonic()
        self._skipped = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began + self._skipped

    async def wait(self, seconds: float) -> None:
        """Let that much time pass."""
        await self.reach(self.seconds + seconds, asyncio.Event())

    async def reach(self, moment: float, nudge: asyncio.Event) -> bool:
        """Wait for that moment; False as soon as the nudge comes before it."""
        left = moment - self.seconds
        if self.fast:
            self._skipped += max(left, 0.0)
            await asyncio.sleep(0)
        elif left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await nudge.wait()
                return False
        return True


class Record:
    """The log of one call, and a bell that rings whenever something changed."""

    def __init__(self, *, fast: bool, on_heard: Callable[[Heard], None] | None) -> None:
        self.clock = Clock(fast=fast)
        self.heard: list[Heard] = []
        self.frames: list[Frame] = []
        self.errors: list[str] = []
        self.turn = 0
        self.spoke_at_ms = 0.0
        self._on_heard = on_heard
        self._bell = asyncio.Event()

    @property
    def now_ms(self) -> float:
        """Milliseconds since dialling."""
        return self.clock.seconds * 1000

    def hear(self, heard: Heard) -> None:
        """Note a sound that begins now."""
        heard.turn = self.turn
        heard.at_ms = self.now_ms
        heard.waited_ms = heard.at_ms - self.spoke_at_ms
        self.heard.append(heard)
        if self._on_heard:
            self._on_heard(heard)
        self.ring()

    def frame(self, message: Any, *, sent: bool) -> None:
        """Note a message on the socket."""
        self.frames.append(Frame(self.now_ms, sent, message))
        self.ring()

    def caller_finished(self) -> None:
        """Note that the caller stopped speaking, or pressed a key, just now."""
        self.spoke_at_ms = self.now_ms

    def ring(self) -> None:
        """Wake everyone who waits for a change."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until it is true; looks again at every change."""
        while not happened():
            await self._bell.wait()
