"""How a simulated caller waits: for sounds, for quiet, with some patience."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from .line import BotSilent, CallOver, Line
from .record import Heard, Record
from .session import Session


class Waiting:
    """The part of a call that waits for what the bot does."""

    def __init__(self, line: Line, record: Record) -> None:
        self.line = line
        self.record = record
        self.heard = record.heard
        self.errors = record.errors
        self.over = False
        self._session: Session | None = None
        self._rings = False  # somebody's telephone: the bot is not there
        self._rung_up = 0  # how often

    async def speaking(self, seconds: float) -> bool:
        """Wait until the bot has spoken that long, and hold playback there.

        Whatever the caller does or waits for next lets it go on. False: the bot was
        done before.
        """
        (await self._live()).player.hold(seconds)
        await self._patiently(lambda: self._held() or bool(self._finished()))
        await self._until_quiet(self._held)
        if not self._held():
            self._release()
        return self._held()

    async def hears(self, count: int = 1, patience: float | None = None) -> list[Heard]:
        """Wait until so many sounds were played since the caller last spoke."""
        self._release()
        await self._patiently(lambda: len(self._finished()) >= count, patience)
        return self._finished()

    async def reply(self, patience: float | None = None) -> list[Heard]:
        """Wait until the bot has spoken and is quiet again; what it said."""
        await self.hears(1, patience)
        await self._until_quiet(lambda: False)
        return self._finished()

    async def _live(self) -> Session:
        # While the carrier reconnects there is no session for a moment.
        await self.record.until(lambda: self.over or self._session is not None)
        if self._session is None:
            raise self._dead()
        return self._session

    def _dead(self) -> CallOver:
        return CallOver(" ".join(["The call is over.", *self.errors]))

    def _release(self) -> None:
        if self._session:
            self._session.player.release()

    def _held(self) -> bool:
        return self._session is not None and self._session.player.held

    def _current(self) -> Heard | None:
        return self._session.player.current if self._session else None

    def _finished(self) -> list[Heard]:
        """The sounds of this turn that were played or cut."""
        current, turn = self._current(), self.record.turn
        return [h for h in self.heard if h.turn == turn and h is not current]

    async def _patiently(
        self, enough: Callable[[], bool], patience: float | None = None
    ) -> None:
        """Wait for it; the caller's patience runs only while nothing is heard."""
        patience = self.line.timeout if patience is None else patience
        while not enough():
            if self.over:
                raise self._dead()
            if not await self._more(enough, patience):
                if self._rings:
                    continue
                said = f"The bot was silent for {patience:g} s."
                raise BotSilent(" ".join([said, *self.errors]))
            await self._until(lambda: enough() or self._current() is None)

    async def _until_quiet(self, enough: Callable[[], bool]) -> None:
        while not (enough() or self.over):
            await self._until(lambda: enough() or self._idle())
            rung_up = self._rung_up
            if await self._more(enough, self.line.pause) or self._rings:
                continue
            # Whoever comes back from a person hears what the bot says to that.
            came_back = rung_up != self._rung_up
            if not (came_back and await self._more(enough, self.line.timeout)):
                return

    async def _more(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait so long for another sound (or what is enough, or the call's end)."""
        count = len(self.heard)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: enough() or len(self.heard) > count)
            return True
        return False

    async def _until(self, happened: Callable[[], bool]) -> None:
        await self.record.until(lambda: self.over or happened())

    def _idle(self) -> bool:
        return self._session is None or self._session.player.idle
