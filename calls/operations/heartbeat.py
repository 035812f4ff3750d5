"""Says which calls this process carries, and closes those that none does."""

import asyncio
import logging

from django.db import DatabaseError, InterfaceError

from calls.db import run_in_db_thread
from calls.operations.reaper import Reaper
from calls.session.active_calls import ActiveCalls
from calls.transcripts.writer import TranscriptWriter
from calls.transcripts.writes import CallsAlive

log = logging.getLogger(__name__)

BEAT_SECONDS = 30.0
POLL_SECONDS = 60.0


class Heartbeat:
    """The process's sign of life in the rows of its calls."""

    def __init__(self, calls: ActiveCalls, transcripts: TranscriptWriter) -> None:
        self.sessions = calls.sessions
        self.transcripts = transcripts
        self.reaper = Reaper()
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin, where nobody has begun yet."""
        if not self.tasks:
            self.tasks = {
                asyncio.create_task(self._beat(), name="heartbeat"),
                asyncio.create_task(self._reap(), name="reaper"),
            }

    async def aclose(self) -> None:
        """Stop."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=1)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            seen = tuple(
                session.call.pk
                for session in self.sessions.values()
                if not session.over
            )
            if seen:
                self.transcripts.put(CallsAlive(seen))

    async def _reap(self) -> None:
        look = run_in_db_thread(self.reaper.run)
        while True:
            try:
                await look()
            except (DatabaseError, InterfaceError) as error:
                log.warning("Dead calls not looked for: %s", type(error).__name__)
            except Exception:
                log.exception("Dead calls could not be looked for")
            await asyncio.sleep(POLL_SECONDS)
