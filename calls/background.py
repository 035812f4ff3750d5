"""Tasks beside the calls: one-off tasks of a call, and jobs that run periodically."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from django import db

from calls.logs import CallLog, FailureLog

log = logging.getLogger(__name__)

# How long stopping waits for a cancelled task to end.
STOP_SECONDS = 1.0


class BackgroundTasks:
    """One-off tasks, as of a call. Keeps references to them and logs their failures."""

    def __init__(self, log: logging.Logger | CallLog) -> None:
        self.log = log
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine without waiting for it."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    async def aclose(self, grace: float = 0.0) -> None:
        """Cancel the tasks that are still running after `grace` seconds."""
        if self.tasks and grace:
            await asyncio.wait(self.tasks, timeout=grace)
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=STOP_SECONDS)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.log.error("A background task failed", exc_info=error)


class PeriodicTask:
    """Runs a job, pauses for `seconds`, and runs it again until closed.

    The first run comes after `delay` seconds. A failed run is logged; the next one
    comes after the usual pause. While the database is unavailable it says so once.
    """

    # How long closing waits for a cancelled run; None: as long as it takes.
    stop_seconds: float | None = STOP_SECONDS

    def __init__(
        self,
        seconds: float,
        job: Callable[[], Awaitable[object]],
        name: str,
        delay: float = 0.0,
    ) -> None:
        self.seconds = seconds
        self.job = job
        self.name = name
        self.delay = delay
        self.task: asyncio.Task[None] | None = None
        self.closing = False
        self._woken = asyncio.Event()
        self._database = FailureLog(
            log, f"{name}: waiting for the database", f"{name}: the database is back"
        )

    def start(self) -> None:
        """Start on the running loop, unless it is started already."""
        if self.task is None:
            self.task = asyncio.create_task(self._run(), name=self.name)

    def run_soon(self) -> None:
        """Skip the rest of the pause; during a run, skip the next pause."""
        self._woken.set()

    async def aclose(self, grace: float = 0.0) -> None:
        """Stop. A run in progress gets `grace` seconds before it is cancelled."""
        self.closing = True
        self._woken.set()
        if self.task is None:
            return
        if grace:
            await asyncio.wait({self.task}, timeout=grace)
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=self.stop_seconds)

    async def _run(self) -> None:
        await self._pause(self.delay)
        while not self.closing:
            self._woken.clear()
            await self._run_once()
            await self._pause(self.seconds)

    async def _run_once(self) -> None:
        try:
            await self.job()
        except db.Error as error:
            self._database.failed(error)
        except Exception:
            log.exception("%s failed; next run in %g s", self.name, self.seconds)
        else:
            self._database.worked()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
