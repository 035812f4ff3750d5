"""Twilio's playback: one queue, played in order, stopped by an interrupt."""

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from .record import Heard, Kind, Record


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound that the bot asked for, not yet fetched."""

    kind: Kind
    text: str = ""
    source: str = ""
    seconds: float = 0.0  # unknown (0) for clips until they are fetched
    loop: int = 1
    interruptible: str | None = None  # None: the TwiML's value applies
    preemptible: bool = False


class Ear(Protocol):
    """Receives the events of a player."""

    async def load(self, sound: Sound) -> Heard | None: ...
    async def begins(self, heard: Heard, *, after_silence: bool) -> None: ...
    async def ends(self, heard: Heard) -> None: ...
    async def falls_silent(self) -> None: ...


class Player:
    """Plays sounds in order; `stop` ends the current one and drops the rest."""

    def __init__(self, record: Record, ear: Ear) -> None:
        self.record = record
        self.clock = record.clock
        self.ear = ear
        self.waiting: deque[Sound] = deque()
        self.sound: Sound | None = None
        self.current: Heard | None = None
        self.speaking = False  # stays true between two clips of one reply
        self.held = False
        self.starving = False  # the rest of a growing clip is late
        self._hold_at = math.inf
        self._spoken = 0.0
        self._began = 0.0
        self._arrived = asyncio.Event()
        self._nudge = asyncio.Event()

    @property
    def idle(self) -> bool:
        """True if no sound is playing or queued."""
        return not self.waiting and self.current is None

    def add(self, sound: Sound) -> None:
        """Queue a sound; it stops preemptible sounds unless it is preemptible too."""
        if not sound.preemptible:
            self.waiting = deque(s for s in self.waiting if not s.preemptible)
            if self.sound and self.sound.preemptible:
                self._cut()
        self.waiting.append(sound)
        self._arrived.set()

    def stop(self) -> Heard | None:
        """Stop playback; returns the sound that was playing, with its played part."""
        self.waiting.clear()
        self.speaking = False
        cut = self._cut()
        self._spoken = 0.0  # what was interrupted belongs to the turn before
        self.release()
        self.record.notify()
        return cut

    def hold(self, seconds: float) -> None:
        """Pause playback once the bot has spoken this long since the caller's turn."""
        self._hold_at = seconds
        self._nudge.set()

    def release(self) -> None:
        """Resume playback, and clear the position of the hold."""
        self._hold_at = math.inf
        # Paused seconds were not heard.
        if self.held and self.current:
            self._began = self.clock.seconds - self.current.played_seconds
        self.held = False
        self._nudge.set()

    def new_turn(self) -> None:
        """Start counting spoken seconds for a new turn."""
        self._spoken = 0.0

    async def run(self) -> None:
        """Play queued sounds until cancelled."""
        while True:
            if self.waiting:
                await self._play_next()
            elif self.speaking:
                self.speaking = False
                self.record.notify()
                await self.ear.falls_silent()
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _play_next(self) -> None:
        sound = self.waiting[0]
        heard = await self.ear.load(sound)
        # A sound that was dropped while being fetched is not played.
        if self.waiting and self.waiting[0] is sound:
            self.waiting.popleft()
            if heard:
                self.sound = sound
                await self._play(heard)

    async def _play(self, heard: Heard) -> None:
        after_silence, self.speaking = not self.speaking, True
        self.current = heard
        self._began = self.clock.seconds
        await self.ear.begins(heard, after_silence=after_silence)
        while self.current is heard:
            self._nudge.clear()
            left = max(self._hold_at - self._spoken, self._elapsed())
            limit = min(heard.seconds, left)
            reached = await self.clock.reach(self._began + limit, self._nudge)
            if reached and self.current is heard:
                await self._reached(heard, limit)

    def grew(self) -> None:
        """More of a growing clip has arrived, or all of it."""
        self._nudge.set()
        self.record.notify()

    async def _reached(self, heard: Heard, limit: float) -> None:
        if limit >= heard.seconds and heard.growing:
            await self._starve(heard)
        elif limit >= heard.seconds:
            self._finish(heard.seconds)
            await self.ear.ends(heard)
        elif self._hold_at - self._spoken <= limit:
            self.held = True
            heard.played_seconds = limit
            self.record.notify()
            self._nudge.clear()
            await self._nudge.wait()

    async def _starve(self, heard: Heard) -> None:
        """Wait for more of a growing clip: the caller hears a gap."""
        position, since = heard.seconds, self.clock.seconds
        self.starving = True
        self.record.notify()
        while self.current is heard and heard.growing and heard.seconds <= position:
            self._nudge.clear()
            await self._nudge.wait()
        self.starving, gap = False, self.clock.seconds - since
        # On a fast clock all sound so far is over at once, so that says nothing.
        if self.current is heard and heard.seconds > position and not self.clock.fast:
            heard.gaps.append((position, gap))
        self._began += gap

    def _elapsed(self) -> float:
        return self.clock.seconds - self._began

    def _cut(self) -> Heard | None:
        heard = self.current
        if heard:
            heard.cut = True
            elapsed = min(self._elapsed(), heard.seconds)
            self._finish(heard.played_seconds if self.held else elapsed)
            self._nudge.set()
        return heard

    def _finish(self, played: float) -> None:
        if self.current:
            self.current.played_seconds = played
        self._spoken += played
        self.current = self.sound = None
        self.held = False
        self.record.notify()
