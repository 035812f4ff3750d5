"""The writes a live call makes: off its path, in order, one thread for the process.

A call only ever puts a write on the queue. A single task drains it, so that many
calls' turns share one transaction, and waits for the database where it must.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django import db
from django.db import connections

from calls import metrics
from calls.db import drop_broken_connections, is_transient
from calls.transcripts.writes import Write, write_all

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
# How long a write waits for others to be written with it.
BATCH_WINDOW = 0.1
# What one transaction writes, after the database was away.
MAX_BATCH = 1000
# How long the end of the process waits for a database that is away.
CLOSE_SECONDS = 5.0
CLOSE_GRACE_SECONDS = 1.0
# What a database outage may cost in memory, in queued writes.
QUEUE_LIMIT = 100_000


class TranscriptWriter:
    """The process's queue of writes; belongs to the loop that first puts one on it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Write] = asyncio.Queue(QUEUE_LIMIT)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="transcripts")
        self.task: asyncio.Task[None] | None = None
        self.flush_now = asyncio.Event()  # somebody waits for what is queued
        self.waits = False  # for a database that is away

    def put(self, write: Write) -> None:
        """Queue a write; never waits."""
        if self.task is None:
            self.task = asyncio.create_task(self._drain(), name="transcripts")
        try:
            self.queue.put_nowait(write)
        except asyncio.QueueFull:
            metrics.WRITES_DROPPED.inc()
            log.error("Transcript write dropped: %d are waiting", self.queue.qsize())

    async def flush(self, within: float) -> None:
        """Wait until all that is queued now is written, or `within` seconds."""
        self.flush_now.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.queue.join(), within)

    async def aclose(self) -> None:
        """Write what is queued, then stop."""
        if self.task:
            await self.flush(CLOSE_SECONDS)
            self.task.cancel()
            await asyncio.wait({self.task})
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(self.thread, connections.close_all)
        # Behind a write that hangs it never comes to its turn.
        with suppress(TimeoutError):
            await asyncio.wait_for(closing, CLOSE_GRACE_SECONDS)
        self.thread.shutdown(wait=False)

    async def _drain(self) -> None:
        while True:
            batch = [await self.queue.get()]
            # Many calls' writes, and several of one turn, make one transaction.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.flush_now.wait(), BATCH_WINDOW)
            self.flush_now.clear()
            while not self.queue.empty() and len(batch) < MAX_BATCH:
                batch.append(self.queue.get_nowait())
            await self._write(batch)
            for _ in batch:
                self.queue.task_done()

    async def _write(self, batch: list[Write]) -> None:
        """Keep at it while the database is away; give up on a write it refuses."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                await loop.run_in_executor(self.thread, write_all, batch)
                return self._wrote()
            except Exception as error:
                if isinstance(error, db.Error):
                    metrics.count_dependency_error("database")
                    await loop.run_in_executor(self.thread, drop_broken_connections)
                if is_transient(error):
                    self._cannot_write(error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if len(batch) == 1:
                    log.exception("A transcript write was refused")
                    return None
                # One that is refused must cost no other call its words.
                for write in batch:
                    await self._write([write])
                return None

    def _cannot_write(self, error: Exception) -> None:
        if not self.waits:
            log.warning("Transcripts wait for the database: %s", error)
        self.waits = True

    def _wrote(self) -> None:
        if self.waits:
            log.info("Transcripts are written again")
        self.waits = False
