"""Does what is owed after calls: off their path, by as many processes as there are."""

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from time import monotonic

from django.db import DatabaseError, InterfaceError

from bots.inworld.client import Inworld
from calls import metrics
from calls.db import run_in_db_thread
from calls.logs import CallLog
from calls.models.post_call_task import Kind, State
from calls.post_call import queue, retry_schedule
from calls.post_call.queue import Attempt, ClaimedTask, bell
from calls.post_call.summarizer import summarise_call
from calls.post_call.webhook import deliver

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
# How many at once in this process, and of them for one bot: a receiver that hangs must
# not hold up the others.
MAX_CONCURRENT = {Kind.SUMMARY: (6, 6), Kind.WEBHOOK: (20, 5)}
RETRY_SECONDS = 1.0
# How long what has been begun may take when the process ends.
CLOSE_SECONDS = 3.0
GIVE_BACK_SECONDS = 2.0

STOPPED = "The server was stopped in the middle of each attempt."
BROKEN = "Something is wrong here: the server's log says what."


class PostCallWorker:
    """One process's worker; whatever it leaves undone, another takes up."""

    def __init__(self, inworld: Inworld) -> None:
        self.inworld = inworld
        self.task: asyncio.Task[None] | None = None
        self.running: dict[ClaimedTask, asyncio.Task[None]] = {}
        self.woken = asyncio.Event()
        self.closing = False
        self.waiting: dict[str, int] = dict.fromkeys(Kind, 0)

    def start(self) -> None:
        """Begin to look, on the running loop."""
        if self.task is None:
            bell.hang(self.woken)
            self.task = asyncio.create_task(self._look_on(), name="aftercare")

    async def aclose(self) -> None:
        """Take nothing more; give back what does not end soon."""
        bell.take_down()
        self.closing = True
        self.woken.set()
        if self.task:
            # Cancelled in the middle of a claim, it would leave that claimed.
            await asyncio.wait({self.task}, timeout=CLOSE_SECONDS)
            self.task.cancel()
        if not self.running:
            return
        begun = dict(self.running)
        _, left = await asyncio.wait(begun.values(), timeout=CLOSE_SECONDS)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
            undone = [due.pk for due, task in begun.items() if task in left]
            # Their time runs out anyway.
            with suppress(DatabaseError, InterfaceError, TimeoutError):
                async with asyncio.timeout(GIVE_BACK_SECONDS):
                    await run_in_db_thread(queue.release)(undone)

    async def look(self) -> int:
        """Begin what is due, as far as there is room; how much that is."""
        begun = 0
        for kind, (most, each) in MAX_CONCURRENT.items():
            bots = Counter(due.bot_id for due in self.running if due.kind is kind)
            room = most - bots.total()
            if room <= 0:
                continue
            found = await run_in_db_thread(queue.claim)(kind, room, each, bots)
            for due in found:
                self.running[due] = asyncio.create_task(self._do(due))
            begun += len(found)
        self.waiting = await run_in_db_thread(queue.waiting)()
        return begun

    async def _look_on(self) -> None:
        is_away = False
        while not self.closing:
            self.woken.clear()
            try:
                await self.look()
                is_away = False
            except (DatabaseError, InterfaceError) as error:
                if not is_away:
                    log.warning("Summaries, webhooks wait: %s", type(error).__name__)
                is_away = True
            except Exception:
                log.exception("What is owed after calls could not be looked for")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), POLL_SECONDS)

    async def _do(self, due: ClaimedTask) -> None:
        began, call_log = monotonic(), CallLog(log, due.call_sid)
        try:
            attempt = await self._attempt(due, call_log)
            ms = round((monotonic() - began) * 1000)
            state = await self._settle(due, attempt, ms)
            _tell(due, attempt, state, call_log)
        except (DatabaseError, InterfaceError) as error:
            call_log.warning("%s put off: %s", due.kind.label, type(error).__name__)
        finally:
            del self.running[due]
            self.woken.set()

    async def _attempt(self, due: ClaimedTask, call_log: CallLog) -> Attempt:
        if due.attempt > retry_schedule.max_attempts(due.kind):
            return Attempt(False, STOPPED, final=True)
        try:
            if due.kind is Kind.SUMMARY:
                return await summarise_call(due.call_id, self.inworld)
            return await deliver(due.call_id, due.pk)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            call_log.exception("%s failed", due.kind.label)
            return Attempt(False, BROKEN)

    async def _settle(
        self, due: ClaimedTask, attempt: Attempt, ms: int
    ) -> State | None:
        """Keep at it while the database is away: what was done must not be again."""
        while True:
            try:
                luck = random.random()  # noqa: S311  (spreads attempts, guards nothing)
                return await run_in_db_thread(queue.settle)(due, attempt, ms, luck)
            except (DatabaseError, InterfaceError):
                metrics.count_dependency_error("database")
                await asyncio.sleep(RETRY_SECONDS)


def _tell(
    due: ClaimedTask, attempt: Attempt, state: State | None, call_log: CallLog
) -> None:
    end = "done" if attempt.done else "failed"
    if state is State.FAILED:
        end = "given-up"
    metrics.POST_CALL_ATTEMPTS.labels(due.kind, end).inc()
    if not attempt.done:
        told = attempt.status or "no answer"
        call_log.warning("%s, attempt %d: %s, %s", due.kind, due.attempt, end, told)
