"""The waits of a simulated caller: for sounds and for quiet, with a timeout."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from .line import BotSilent, CallOver, Line
from .record import Heard, Record
from .session import Session


class Waiting:
    """The part of a simulated call that waits for the bot."""

    def __init__(self, line: Line, record: Record) -> None:
        self.line = line
        self.record = record
        self.heard = record.heard
        self.errors = record.errors
        self.over = False
        self._session: Session | None = None
        self._is_ringing = False  # a transfer is in progress: no bot listens
        self._dial_count = 0

    async def speaking(self, seconds: float) -> bool:
        """Wait until the bot has spoken that long, and hold playback there.

        Playback goes on with the caller's next action or wait. False if the bot
        finished before.
        """
        (await self._live()).player.hold(seconds)
        await self._patiently(lambda: self._held() or bool(self._finished()))
        await self._until_quiet(self._held)
        if not self._held():
            self._release()
        return self._held()

    async def hears(self, count: int = 1, patience: float | None = None) -> list[Heard]:
        """Wait until `count` sounds were played since the caller last spoke."""
        self._release()
        await self._patiently(lambda: len(self._finished()) >= count, patience)
        return self._finished()

    async def reply(self, patience: float | None = None) -> list[Heard]:
        """Wait until the bot has spoken and is quiet again; returns its sounds."""
        await self.hears(1, patience)
        await self._until_quiet(lambda: False)
        return self._finished()

    async def _live(self) -> Session:
        # There is no session while Twilio reconnects.
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
        """The sounds of this turn that were played or interrupted."""
        current, turn = self._current(), self.record.turn
        return [
            heard for heard in self.heard if heard.turn == turn and heard is not current
        ]

    async def _patiently(
        self, enough: Callable[[], bool], patience: float | None = None
    ) -> None:
        """Wait until `enough` holds; only silence counts towards the timeout."""
        patience = self.line.timeout if patience is None else patience
        while not enough():
            if self.over:
                raise self._dead()
            if not await self._more(enough, patience):
                if self._is_ringing:
                    continue
                said = f"The bot was silent for {patience:g} s."
                raise BotSilent(" ".join([said, *self.errors]))
            await self._until(lambda: enough() or self._current() is None)

    async def _until_quiet(self, enough: Callable[[], bool]) -> None:
        while not (enough() or self.over):
            await self._until(lambda: enough() or self._idle())
            dials = self._dial_count
            if await self._more(enough, self.line.pause) or self._is_ringing:
                continue
            # After a failed transfer the caller waits for the bot's comment.
            came_back = dials != self._dial_count
            if not (came_back and await self._more(enough, self.line.timeout)):
                return

    async def _more(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait for a sound, for `enough`, or for the end; False after `seconds`."""
        count = len(self.heard)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: enough() or len(self.heard) > count)
            return True
        return False

    async def _until(self, condition: Callable[[], bool]) -> None:
        await self.record.until(lambda: self.over or condition())

    def _idle(self) -> bool:
        return self._session is None or self._session.player.idle
