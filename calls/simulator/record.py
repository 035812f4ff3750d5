"""The record of a simulated call: sounds heard and frames exchanged."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bots.audio.pcm import TELEPHONE_RATE, Pcm

Kind = Literal["clip", "tts", "digits"]


@dataclass(slots=True)
class Heard:
    """One sound that the caller heard; of a clip only the audio is known."""

    kind: Kind
    seconds: float  # full length
    text: str | None = None
    wav: bytes = b""
    source: str = ""
    turn: int = 0  # 0: before the caller said anything
    at_ms: float = 0.0  # since dialling
    waited_ms: float = 0.0  # since the caller stopped speaking
    played_seconds: float = 0.0
    cut: bool = False
    replaced: str = ""  # why the server sent silence instead of this clip
    streamed: bool = False  # its length was not known when it was fetched
    growing: bool = False  # more of it is still to arrive
    broke_off: str = ""  # why the rest of a growing clip did not arrive
    # Silences within it, because it grew too slowly: position and length in seconds.
    gaps: list[tuple[float, float]] = field(default_factory=list)

    @property
    def gap_seconds(self) -> float:
        """The length of all silences within it."""
        return sum(seconds for _, seconds in self.gaps)


@dataclass(frozen=True, slots=True)
class Said:
    """One sound of the caller, as 16-bit mono samples at telephone rate."""

    at_ms: float  # since dialling
    samples: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One message on the relay socket; unreadable messages are kept unparsed."""

    at_ms: float  # since dialling
    sent: bool  # to the server
    message: Any


class Clock:
    """Seconds since dialling; a fast clock jumps ahead instead of waiting."""

    def __init__(self, *, fast: bool) -> None:
        self.fast = fast
        self.began_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._skipped = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began + self._skipped

    async def wait(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await self.reach(self.seconds + seconds, asyncio.Event())

    async def reach(self, seconds: float, event: asyncio.Event) -> bool:
        """Wait until the clock shows `seconds`; False as soon as `event` is set."""
        left = seconds - self.seconds
        if self.fast:
            self._skipped += max(left, 0.0)
            await asyncio.sleep(0)
        elif left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await event.wait()
                return False
        return True


class Record:
    """The record of one call; wakes those who wait for a change."""

    def __init__(self, *, fast: bool, on_heard: Callable[[Heard], None] | None) -> None:
        self.clock = Clock(fast=fast)
        self.heard: list[Heard] = []
        self.said: list[Said] = []
        self.frames: list[Frame] = []
        self.errors: list[str] = []
        self.refused: list[str] = []  # growing clips that the carrier refused
        self.turn = 0
        self.spoke_at_ms = 0.0
        self._on_heard = on_heard
        self._changed = asyncio.Event()

    @property
    def now_ms(self) -> float:
        """Milliseconds since dialling."""
        return self.clock.seconds * 1000

    def hear(self, heard: Heard) -> None:
        """Record a sound that begins now."""
        heard.turn = self.turn
        heard.at_ms = self.now_ms
        heard.waited_ms = heard.at_ms - self.spoke_at_ms
        self.heard.append(heard)
        if self._on_heard:
            self._on_heard(heard)
        self.notify()

    def say(self, samples: bytes) -> float:
        """Record a sound of the caller that begins now; returns its seconds."""
        self.said.append(Said(self.now_ms, samples))
        return Pcm(TELEPHONE_RATE, samples).seconds

    def frame(self, message: Any, *, sent: bool) -> None:
        """Record a message on the socket."""
        self.frames.append(Frame(self.now_ms, sent, message))
        self.notify()

    def caller_finished(self) -> None:
        """Record that the caller stopped speaking, or pressed a key."""
        self.spoke_at_ms = self.now_ms

    def notify(self) -> None:
        """Wake all that wait for a change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; checks it at every change."""
        while not condition():
            await self._changed.wait()
