"""Work beside a call: held on to, because the loop alone would not."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from calls.logs import CallLog


class Chores:
    """Tasks of one call that nobody waits for; a failure of one is logged."""

    def __init__(self, log: CallLog) -> None:
        self.log = log
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the call."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("Something beside the call failed", exc_info=error)
