"""Writes transcripts in the background: in order, in one thread of the process.

A call only puts writes on a queue and never waits. One task drains the queue, so that
turns of many calls share one transaction, and retries while the database is
unavailable.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django import db
from django.db import connections

from calls import metrics
from calls.db import drop_broken_connections, is_transient
from calls.logs import FailureLog
from calls.transcripts.writes import Write, write_all

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
# A write waits this long for others to share its transaction.
BATCH_WINDOW = 0.1
# Most writes in one transaction, when many have queued up.
MAX_BATCH = 1000
# Time limits at the end of the process: for queued writes, then for the thread.
CLOSE_SECONDS = 5.0
CLOSE_GRACE_SECONDS = 1.0
# Bounds the memory that queued writes use while the database is unavailable.
QUEUE_LIMIT = 100_000


class TranscriptWriter:
    """The process's queue of writes; bound to the event loop that first uses it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Write] = asyncio.Queue(QUEUE_LIMIT)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="transcripts")
        self.task: asyncio.Task[None] | None = None
        self.flush_now = asyncio.Event()  # do not wait for BATCH_WINDOW
        self.database = FailureLog(
            log, "Transcripts wait for the database", "Transcripts are written again"
        )

    def put(self, write: Write) -> None:
        """Queue a write; never waits."""
        if self.task is None:
            self.task = asyncio.create_task(self._drain(), name="transcripts")
        try:
            self.queue.put_nowait(write)
        except asyncio.QueueFull:
            metrics.WRITES_DROPPED.inc()
            log.error("Transcript write dropped: %d are waiting", self.queue.qsize())

    async def flush(self, seconds: float) -> None:
        """Wait until the queue is written, for at most so many `seconds`."""
        self.flush_now.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.queue.join(), seconds)

    async def aclose(self) -> None:
        """Write the queue, then stop."""
        if self.task:
            await self.flush(CLOSE_SECONDS)
            self.task.cancel()
            await asyncio.wait({self.task})
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(self.thread, connections.close_all)
        # The thread may hang in a write and never get to this.
        with suppress(TimeoutError):
            await asyncio.wait_for(closing, CLOSE_GRACE_SECONDS)
        self.thread.shutdown(wait=False)

    async def _drain(self) -> None:
        while True:
            batch = [await self.queue.get()]
            with suppress(TimeoutError):
                await asyncio.wait_for(self.flush_now.wait(), BATCH_WINDOW)
            self.flush_now.clear()
            while not self.queue.empty() and len(batch) < MAX_BATCH:
                batch.append(self.queue.get_nowait())
            await self._write(batch)
            for _ in batch:
                self.queue.task_done()

    async def _write(self, batch: list[Write]) -> None:
        """Retry while the database is unavailable; drop a write that it rejects."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self.thread, write_all, batch)
                return self.database.worked()
            except Exception as error:
                if isinstance(error, db.Error):
                    metrics.count_dependency_error("database")
                    await loop.run_in_executor(self.thread, drop_broken_connections)
                if is_transient(error):
                    self.database.failed(error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if len(batch) == 1:
                    log.exception("A transcript write was rejected")
                    return None
                # Write one by one, so that a rejected write costs no other call.
                for write in batch:
                    await self._write([write])
                return None
