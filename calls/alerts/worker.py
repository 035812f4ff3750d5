"""Notices things and sends messages. Each process has a worker; they share the work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import TypeVar

from django import db

from bots.models.secret import SecretUnreadable
from calls import metrics
from calls.alerts import evaluation, queue
from calls.alerts.attempt import Attempt, Result
from calls.alerts.channels.sending import Envelope, send
from calls.alerts.envelopes import envelope_of
from calls.alerts.evaluation import BATCH, Trouble
from calls.alerts.incidents import PAST
from calls.alerts.queue import Claimed
from calls.background import PeriodicTask
from calls.db import run_in_db_thread, write_in_the_end
from calls.models.alert import State

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
MEASURE_SECONDS = 60.0
CLEANING_SECONDS = 3600.0
# Messages sent at once by this process.
MAX_CONCURRENT = 8
# Seconds that messages being sent get when the process ends.
CLOSE_SECONDS = 5.0
# A database that was away for less long is no trouble.
AWAY_SECONDS = 30.0
# The kind of channel in the metrics if a message could not be written.
NO_CHANNEL = "none"
NO_DATABASE = "The database was away."
INTERNAL_ERROR = "An error of this server; its log has the details."
DATABASE_AWAY = "The database was away for {:.0f} seconds. It is back."

T = TypeVar("T")


class AlertWorker(PeriodicTask):
    """Looks at what happened, and sends what is due."""

    def __init__(
        self, find_troubles: Callable[[], Awaitable[Iterable[Trouble]]]
    ) -> None:
        super().__init__(POLL_SECONDS, self.poll, "Alert worker")
        self.find_troubles = find_troubles
        self.sending: set[asyncio.Task[None]] = set()
        self.measured_at = self.cleaned_at = -CLEANING_SECONDS
        self.away_since: float | None = None
        self.was_away = 0.0

    async def aclose(self, grace: float = 0.0) -> None:
        """Claim nothing more; messages that are being sent get a moment."""
        # A claim that is cancelled midway would leave its messages claimed.
        await super().aclose(grace or CLOSE_SECONDS)
        if self.sending:
            _, unfinished = await asyncio.wait(self.sending, timeout=CLOSE_SECONDS)
            for task in unfinished:
                task.cancel()

    async def poll(self) -> int:
        """Notice what happened, and start to send; returns how many messages."""
        try:
            await self._notice()
            claimed = await _in_db(queue.claim, MAX_CONCURRENT - len(self.sending))
        except db.Error:
            if self.away_since is None:
                self.away_since = monotonic()
            raise
        for message in claimed:
            task = asyncio.create_task(self._send(message))
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)
        return len(claimed)

    async def _notice(self) -> None:
        while await _in_db(evaluation.check_calls) == BATCH:
            pass
        await _in_db(queue.expire)
        now = monotonic()
        if self.away_since is not None:
            self.was_away, self.away_since = now - self.away_since, None
        if now - self.measured_at >= MEASURE_SECONDS:
            self.measured_at = now
            await self._measure()
        if now - self.cleaned_at >= CLEANING_SECONDS:
            self.cleaned_at = now
            await _in_db(queue.delete_old)

    async def _measure(self) -> None:
        await _in_db(evaluation.measure)
        if await _in_db(evaluation.wants_trouble):
            found = [*await self.find_troubles(), *self._database_trouble()]
            await _in_db(evaluation.see_troubles, found)
        self.was_away = 0.0

    def _database_trouble(self) -> list[Trouble]:
        if self.was_away < AWAY_SECONDS:
            return []
        words = DATABASE_AWAY.format(self.was_away)
        return [Trouble(f"{PAST}database", words)]

    async def _send(self, claimed: Claimed) -> None:
        try:
            attempt, kind, subject = await _attempt(claimed)
            state = await write_in_the_end(queue.settle, claimed, attempt, subject)
        finally:
            self.run_soon()
        metrics.ALERT_ATTEMPTS.labels(kind, attempt.result).inc()
        if state is not State.SENT:
            result = "given up" if state is State.FAILED else attempt.result
            words = "Alert %d, attempt %d: %s, %s"
            answer = attempt.status or "no answer"
            log.warning(words, claimed.pk, claimed.attempt, result, answer)


async def _attempt(claimed: Claimed) -> tuple[Attempt, str, str]:
    """The attempt, the kind of channel, and the subject that was sent."""
    envelope = await _prepare(claimed)
    if isinstance(envelope, Attempt):
        return envelope, NO_CHANNEL, ""
    try:
        attempt = await send(envelope)
    except Exception:
        log.exception("Alert %d failed", claimed.pk)
        attempt = Attempt(Result.UNKNOWN, INTERNAL_ERROR)
    return attempt, envelope.kind, envelope.text.subject


async def _prepare(claimed: Claimed) -> Envelope | Attempt:
    try:
        return await _in_db(envelope_of, claimed.pk)
    except SecretUnreadable as error:
        return Attempt(Result.LATER, str(error))
    except db.Error:
        return Attempt(Result.LATER, NO_DATABASE)
    except Exception:
        log.exception("Alert %d cannot be written", claimed.pk)
        return Attempt(Result.LATER, INTERNAL_ERROR)


async def _in_db(work: Callable[..., T], *args: object) -> T:
    """Run a function with database access in a thread."""
    result: T = await run_in_db_thread(work)(*args)
    return result
