"""Makes files of many calls beside the calls. Each process has one worker."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from calls.background import PeriodicTask
from calls.db import DatabaseUnavailable, database_deadline, run_in_db_thread
from calls.export_files import queue
from calls.export_files.queue import Claimed

POLL_SECONDS = 5.0
# Seconds of pause after each second of work: calls need the process more.
PAUSE = 2.0
# A process with calls leaves a file to the others for so long.
LEFT_TO_OTHERS = timedelta(seconds=30)
# How long a step may take when the process ends.
CLOSE_SECONDS = 3.0
RELEASE_SECONDS = 2.0


class ExportWorker(PeriodicTask):
    """Makes one file after the other, and deletes those past their time.

    `has_calls` tells if the process has calls in progress.
    """

    def __init__(self, has_calls: Callable[[], bool]) -> None:
        super().__init__(POLL_SECONDS, self.poll, "Export worker")
        self.has_calls = has_calls

    async def aclose(self, grace: float = 0.0) -> None:
        """Stop after the step in progress; another process goes on."""
        await super().aclose(grace or CLOSE_SECONDS)

    async def poll(self) -> None:
        """Make all files that are due."""
        await run_in_db_thread(queue.delete_expired)()
        while not self.closing and (file := await self._claim()):
            await self._make(file)

    async def _claim(self) -> Claimed | None:
        waited = LEFT_TO_OTHERS if self.has_calls() else timedelta()
        return await run_in_db_thread(queue.claim)(waited)

    async def _make(self, file: Claimed) -> None:
        while file.is_mine and not file.is_complete and not self.closing:
            began = monotonic()
            await run_in_db_thread(queue.write_some)(file)
            await asyncio.sleep(PAUSE * (monotonic() - began))
        if file.is_mine and not file.is_complete:
            # If this fails, another process goes on when the claim has ended.
            with suppress(DatabaseUnavailable):
                async with database_deadline(RELEASE_SECONDS):
                    await run_in_db_thread(queue.release)(file)
