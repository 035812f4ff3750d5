"""Deletes calls past their retention every night, in one of several processes."""

import asyncio
import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from bots.site_settings.current import site_values
from calls.audit.retention import purge_events
from calls.background import PeriodicTask
from calls.clips.clip_store import ClipStore, ClipsUnavailable
from calls.db import run_in_db_thread
from calls.models import ScheduledRun
from calls.privacy.deletion import Deleted
from calls.privacy.retention import purge_some

log = logging.getLogger(__name__)

T = TypeVar("T")
RUN_NAME = "purge"
# In the time zone of the settings. A server that was off then runs it later that day.
RUN_AT_HOUR = 3
POLL_SECONDS = 600.0
# Leaves a starting server alone.
DELAY_SECONDS = 60.0
# Pause between two batches, so that the writes of calls in progress get their turn.
PAUSE_SECONDS = 0.2
# A run without a sign of life for so long died with its process.
STALE_AFTER = timedelta(minutes=15)


class NightlyPurge(PeriodicTask):
    """Checks every few minutes whether today's run is still to be done."""

    stop_seconds = None  # a batch that is being deleted is finished

    def __init__(self, clips: ClipStore) -> None:
        super().__init__(POLL_SECONDS, self._check, "Nightly purge", DELAY_SECONDS)
        self.clips = clips

    async def run_if_due(self, now: datetime) -> Deleted | None:
        """Do today's run. None if it is too early, done, or another process does it."""
        zone = (await _in_db(site_values)).time_zone
        local = timezone.localtime(now, ZoneInfo(zone))
        if local.hour < RUN_AT_HOUR or not await _in_db(_claim, local.date(), now):
            return None
        deleted = Deleted()
        while (batch := await _in_db(purge_some, now)).calls:
            deleted += batch
            await self._delete_clips(batch.clips)
            await _in_db(_record_progress)
            await asyncio.sleep(PAUSE_SECONDS)
        await _in_db(purge_events, now)
        await _in_db(_record_end)
        log.info("The nightly purge deleted %s past their retention", deleted)
        return deleted

    async def _check(self) -> None:
        await self.run_if_due(timezone.now())

    async def _delete_clips(self, clips: tuple[str, ...]) -> None:
        try:
            await self.clips.drop(list(clips))
        except ClipsUnavailable:
            log.warning("Redis is unavailable: audio of deleted calls will expire")


async def _in_db(work: Callable[..., T], *args: object) -> T:
    """Run a function with database access in a thread."""
    result: T = await run_in_db_thread(work)(*args)
    return result


def _claim(today: date, now: datetime) -> bool:
    """Claim today's run; True for one process only."""
    first = {"day": today, "last_seen_at": now}
    run, is_first = ScheduledRun.objects.get_or_create(name=RUN_NAME, defaults=first)
    if is_first:
        return True
    free = ~Q(day=today) | Q(done_at=None, last_seen_at__lt=now - STALE_AFTER)
    # Of several processes the database lets one update the row; then it is not free.
    runs = ScheduledRun.objects.filter(free, pk=run.pk)
    return runs.update(day=today, last_seen_at=now, done_at=None) == 1


def _record_progress() -> None:
    ScheduledRun.objects.filter(name=RUN_NAME).update(last_seen_at=timezone.now())


def _record_end() -> None:
    ScheduledRun.objects.filter(name=RUN_NAME).update(done_at=timezone.now())
