"""Work beside a call: held on to, because the loop alone would not."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from calls.logs import CallLog

# How long the end of a call waits for them to stop.
STOP_SECONDS = 1.0


class BackgroundTasks:
    """Tasks of one call that nobody waits for; a failure of one is logged."""

    def __init__(self, log: CallLog) -> None:
        self.log = log
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the call."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    async def aclose(self) -> None:
        """Stop what is still running."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=STOP_SECONDS)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Something beside the call failed", exc_info=error)
