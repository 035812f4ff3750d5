"""The writes a live call makes: off its path, in order, one thread for the process.

A call only ever puts a write on the queue. A single task drains it, so that many
calls' turns share one transaction, and waits for the database where it must.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from calls import models
from calls.turns import Turn

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
# How long a write waits for others to be written with it.
GATHER_SECONDS = 0.1
# How long the end of the process waits for a database that is away.
CLOSE_SECONDS = 5.0
# What a database outage may cost in memory, in queued writes.
QUEUE_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class TurnWrite:
    """A turn to insert, or to replace at its index."""

    call_id: int
    turn: Turn
    moment: Callable[[float], datetime]

    def row(self) -> models.Turn:
        """The turn as a database row; its clock becomes wall time."""
        turn, ended_at = self.turn, self.turn.ended_at
        text, heard = turn.text, turn.heard
        if turn.shown is not None:
            text = heard = turn.shown
        return models.Turn(
            call_id=self.call_id,
            index=turn.index,
            role=turn.role,
            text=text,
            heard_text=heard,
            interrupted=turn.interrupted,
            started_at=self.moment(turn.started_at),
            ended_at=None if ended_at is None else self.moment(ended_at),
            latency_ms=turn.latency_ms,
            model=turn.model[:120],
            prompt_tokens=turn.prompt_tokens,
            completion_tokens=turn.completion_tokens,
            error=turn.error[:300],
        )


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The relay is connected."""

    call_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CallOver:
    """The call ended; ignored when something else closed it before."""

    call_id: int
    status: models.Call.Status
    reason: models.Call.EndReason
    at: datetime


Write = TurnWrite | CallAnswered | CallOver

_TURN_FIELDS = [
    field.name
    for field in models.Turn._meta.concrete_fields
    if field.name not in ("id", "call", "index")
]


class TranscriptWriter:
    """The process's queue of writes; belongs to the loop that first puts one on it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Write] = asyncio.Queue(QUEUE_LIMIT)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="transcripts")
        self.task: asyncio.Task[None] | None = None
        self.hurry = asyncio.Event()  # somebody waits for what is queued

    def put(self, write: Write) -> None:
        """Queue a write; never waits."""
        if self.task is None:
            self.task = asyncio.create_task(self._drain(), name="transcripts")
        try:
            self.queue.put_nowait(write)
        except asyncio.QueueFull:
            log.error("Transcript write dropped: %d are waiting", self.queue.qsize())

    async def flush(self, within: float) -> None:
        """Wait until all that is queued now is written, or `within` seconds."""
        self.hurry.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.queue.join(), within)

    async def aclose(self) -> None:
        """Write what is queued, then stop."""
        if self.task:
            await self.flush(CLOSE_SECONDS)
            self.task.cancel()
            await asyncio.wait({self.task})
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.thread, connections.close_all)
        self.thread.shutdown()

    async def _drain(self) -> None:
        while True:
            batch = [await self.queue.get()]
            # Many calls' writes, and several of one turn, make one transaction.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.hurry.wait(), GATHER_SECONDS)
            self.hurry.clear()
            while not self.queue.empty():
                batch.append(self.queue.get_nowait())
            await self._write(batch)
            for _ in batch:
                self.queue.task_done()

    async def _write(self, batch: list[Write]) -> None:
        """Keep at it while the database is away; give up on a write it refuses."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await loop.run_in_executor(self.thread, write_all, batch)
            except (DatabaseError, InterfaceError) as error:
                # The thread keeps its connection open, until it proves broken.
                await loop.run_in_executor(self.thread, connections.close_all)
                if len(batch) > 1:
                    for write in batch:
                        await self._write([write])
                    return None
                if not _is_passing(error):
                    log.exception("Transcript write refused by the database")
                    return None
                log.warning("Transcripts wait for the database: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("Transcript write failed")
                return None


def write_all(batch: Iterable[Write]) -> None:
    """Carry out writes in one transaction; the last of a turn's wins."""
    rows: dict[tuple[int, int], models.Turn] = {}
    with transaction.atomic():
        for write in batch:
            match write:
                case TurnWrite(call_id, turn):
                    rows[call_id, turn.index] = write.row()
                case CallAnswered(call_id, at):
                    answered = models.Call.objects.filter(pk=call_id, answered_at=None)
                    answered.update(answered_at=at)
                    ringing = models.Call.objects.filter(
                        pk=call_id, status=models.Call.Status.RINGING
                    )
                    ringing.update(status=models.Call.Status.IN_PROGRESS)
                case CallOver(call_id, status, reason, at):
                    open_call = models.Call.objects.open().filter(pk=call_id)
                    open_call.update(status=status, end_reason=reason, ended_at=at)
        models.Turn.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["call", "index"],
            update_fields=_TURN_FIELDS,
        )


def _is_passing(error: Exception) -> bool:
    """Whether the database may take the same write later."""
    return isinstance(error, OperationalError | InterfaceError)
