"""Runs post-call tasks. Each process has one worker; they share the database queue."""

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from time import monotonic

from django import db

from bots.inworld.client import Inworld
from calls import metrics
from calls.background import PeriodicTask
from calls.db import (
    DatabaseUnavailable,
    database_deadline,
    run_in_db_thread,
    write_in_the_end,
)
from calls.logs import CallLog
from calls.models.post_call_task import Kind, State
from calls.post_call import queue, retry_schedule
from calls.post_call.queue import Attempt, ClaimedTask
from calls.post_call.summarizer import summarise_call
from calls.post_call.webhook import deliver

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
# Tasks of a kind at once in this process, and of those for one bot: a receiver that
# hangs must not delay the tasks of other bots.
MAX_CONCURRENT = {Kind.SUMMARY: (6, 6), Kind.WEBHOOK: (20, 5)}
# How long started tasks may take when the process ends.
CLOSE_SECONDS = 3.0
RELEASE_SECONDS = 2.0

STOPPED = "The server was stopped in the middle of each attempt."
INTERNAL_ERROR = "An error of this server; its log has the details."


class PostCallWorker(PeriodicTask):
    """Claims due tasks and runs them. Tasks it cannot finish go to another process."""

    def __init__(self, inworld: Inworld) -> None:
        super().__init__(POLL_SECONDS, self.poll, "Post-call worker")
        self.inworld = inworld
        self.running: dict[ClaimedTask, asyncio.Task[None]] = {}
        self.waiting: dict[str, int] = dict.fromkeys(Kind, 0)

    async def aclose(self, grace: float = 0.0) -> None:
        """Claim nothing more; release the tasks that do not end soon."""
        # A claim that is cancelled midway would leave its tasks claimed.
        await super().aclose(grace or CLOSE_SECONDS)
        if not self.running:
            return
        started = dict(self.running)
        _, unfinished = await asyncio.wait(started.values(), timeout=CLOSE_SECONDS)
        for work in unfinished:
            work.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
            pks = [task.pk for task, work in started.items() if work in unfinished]
            # If this fails, another process claims them when their lease ends.
            with suppress(DatabaseUnavailable):
                async with database_deadline(RELEASE_SECONDS):
                    await run_in_db_thread(queue.release)(pks)

    async def poll(self) -> int:
        """Start due tasks within the limits; returns how many."""
        started = 0
        for kind, (limit, limit_per_bot) in MAX_CONCURRENT.items():
            bots = Counter(task.bot_id for task in self.running if task.kind is kind)
            free = limit - bots.total()
            if free <= 0:
                continue
            claim = run_in_db_thread(queue.claim)
            claimed = await claim(kind, free, limit_per_bot, bots)
            for task in claimed:
                self.running[task] = asyncio.create_task(self._work(task))
            started += len(claimed)
        self.waiting = await run_in_db_thread(queue.waiting)()
        return started

    async def _work(self, task: ClaimedTask) -> None:
        began, call_log = monotonic(), CallLog(log, task.call_sid)
        try:
            attempt = await self._attempt(task, call_log)
            ms = round((monotonic() - began) * 1000)
            jitter = random.random()  # noqa: S311  (spreads attempts, no secret)
            state = await write_in_the_end(queue.settle, task, attempt, ms, jitter)
            _report(task, attempt, state, call_log)
        except db.Error as error:
            call_log.warning("%s put off: %s", task.kind.label, type(error).__name__)
        finally:
            del self.running[task]
            self.run_soon()

    async def _attempt(self, task: ClaimedTask, call_log: CallLog) -> Attempt:
        if task.attempt > retry_schedule.max_attempts(task.kind):
            return Attempt(False, STOPPED, final=True)
        try:
            if task.kind is Kind.SUMMARY:
                return await summarise_call(task.call_id, self.inworld)
            return await deliver(task.call_id, task.pk)
        except db.Error:
            raise
        except Exception:
            call_log.exception("%s failed", task.kind.label)
            return Attempt(False, INTERNAL_ERROR)


def _report(
    task: ClaimedTask, attempt: Attempt, state: State | None, call_log: CallLog
) -> None:
    result = "done" if attempt.done else "failed"
    if state is State.FAILED:
        result = "given-up"
    metrics.POST_CALL_ATTEMPTS.labels(task.kind, result).inc()
    if not attempt.done:
        answer = attempt.status or "no answer"
        words = "%s, attempt %d: %s, %s"
        call_log.warning(words, task.kind, task.attempt, result, answer)
