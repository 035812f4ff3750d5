"""The nightly run: calls that were kept long enough go, in one process of several."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone

from calls.db import run_in_db_thread
from calls.models import ScheduledRun
from calls.privacy.deletion import Deleted
from calls.privacy.retention import purge_some
from calls.speech.clip_store import ClipStore, ClipsUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
NAME = "purge"
# By the clock of TIME_ZONE. A server that was off at that hour makes up for it.
RUN_AT_HOUR = 3
POLL_SECONDS = 600.0
# Not while a server has just begun to take calls.
SETTLE_SECONDS = 60.0
# Between two batches, so that what calls write gets its turn.
PAUSE_SECONDS = 0.2
# A run of which nothing was seen for so long died with its process.
STALE_AFTER = timedelta(minutes=15)


class NightlyPurge:
    """Looks again and again whether the day's run is still to be done."""

    def __init__(self, clips: ClipStore) -> None:
        self.clips = clips
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, on the running loop."""
        self.task = self.task or asyncio.create_task(self._look_on(), name="daily")

    async def aclose(self) -> None:
        """Stop after the batch that is being deleted."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task})

    async def run_if_due(self, now: datetime) -> Deleted | None:
        """Do today's run unless it was done, or another does it; None then."""
        local = timezone.localtime(now)
        if local.hour < RUN_AT_HOUR or not await _beside(_claim, local.date(), now):
            return None
        deleted = Deleted()
        while (some := await _beside(purge_some, now)).calls:
            deleted += some
            await self._silence(some.clips)
            await _beside(_seen)
            await asyncio.sleep(PAUSE_SECONDS)
        await _beside(_done)
        log.info("The nightly run deleted %s that were kept long enough", deleted)
        return deleted

    async def _look_on(self) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        while True:
            try:
                await self.run_if_due(timezone.now())
            except (DatabaseError, InterfaceError) as error:
                log.warning("The nightly run waits: %s", type(error).__name__)
            except Exception:
                log.exception("The nightly run failed; it is tried again")
            await asyncio.sleep(POLL_SECONDS)

    async def _silence(self, clips: tuple[str, ...]) -> None:
        try:
            await self.clips.drop(list(clips))
        except ClipsUnavailable:
            log.warning("The sound of deleted calls is left to expire")


async def _beside(work: Callable[..., T], *args: object) -> T:
    """Do something with the database in any free thread."""
    done: T = await run_in_db_thread(work)(*args)
    return done


def _claim(today: date, now: datetime) -> bool:
    """Whether this process, and no other, does today's run."""
    first = {"day": today, "last_seen_at": now}
    run, is_first = ScheduledRun.objects.get_or_create(name=NAME, defaults=first)
    if is_first:
        return True
    free = ~Q(day=today) | Q(done_at=None, last_seen_at__lt=now - STALE_AFTER)
    # The database lets one process change the row first; it is not free any more then.
    runs = ScheduledRun.objects.filter(free, pk=run.pk)
    return runs.update(day=today, last_seen_at=now, done_at=None) == 1


def _seen() -> None:
    ScheduledRun.objects.filter(name=NAME).update(last_seen_at=timezone.now())


def _done() -> None:
    ScheduledRun.objects.filter(name=NAME).update(done_at=timezone.now())
