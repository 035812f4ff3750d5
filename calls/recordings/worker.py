"""Looks after recordings beside the calls. Each process has one worker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

from calls.background import PeriodicTask
from calls.recordings import queue
from calls.recordings.upkeep import delete, look_after
from calls.twilio.account import account
from calls.twilio.recording_files import RecordingFiles

POLL_SECONDS = 5.0
CLOSE_SECONDS = 3.0

T = TypeVar("T")


class RecordingWorker(PeriodicTask):
    """Fetches, asks for and deletes recordings, one after the other, in one thread.

    A long file takes minutes: the thread is its own, so that nothing waits for it.
    """

    def __init__(self) -> None:
        super().__init__(POLL_SECONDS, self.poll, "Recording worker")
        self.files = RecordingFiles(account())
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="recordings")
        self.is_first = True

    async def aclose(self, grace: float = 0.0) -> None:
        """Stop after the piece in progress; another process goes on."""
        await super().aclose(grace or CLOSE_SECONDS)
        self.thread.shutdown(wait=False)

    async def poll(self) -> None:
        """Do all that is due."""
        if self.is_first and settings.FETCH_RECORDINGS:
            await self._in_thread(queue.fetch_all_from_now_on)
        self.is_first = False
        while not self.closing and await self._in_thread(self._do_one):
            pass

    async def _in_thread(self, work: Callable[[], T]) -> T:
        run = database_sync_to_async(work, thread_sensitive=False, executor=self.thread)
        return await run()

    def _do_one(self) -> bool:
        """Do the next thing that is due, deletions first; False if nothing is."""
        if deletion := queue.claim_deletion():
            delete(deletion, self.files)
            return True
        if row := queue.claim():
            look_after(row, self.files, lambda: self.closing)
            return True
        return False
