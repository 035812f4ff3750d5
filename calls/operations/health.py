"""Whether this process lives, and whether it should be given new calls."""

import asyncio
import logging
from concurrent.futures import Future
from threading import Thread
from time import monotonic

from django.db import connections
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from calls.models import Call
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.transcripts.writer import QUEUE_LIMIT
from calls.webhooks.admission import dry_run

log = logging.getLogger(__name__)

DATABASE_SECONDS = 1.0
# Asked more often than this, the answer is the last one.
FRESH_SECONDS = 0.5
# From here on transcripts are about to be lost.
QUEUE_FULL = 0.9 * QUEUE_LIMIT
DRAINING = "Calls in progress are finished, new ones are not taken."
NOT_WRITTEN = "Transcripts wait to be written, and their queue is nearly full."
LATE = f"The database does not answer within {DATABASE_SECONDS:g} s."
NO_STORE = {"Cache-Control": "no-store"}


class DatabaseProbe:
    """One look at the database at a time, however many ask."""

    def __init__(self) -> None:
        self.answer: Future[str] | None = None
        self.asked_at = 0.0

    async def trouble(self) -> str:
        """Say why the database cannot be used; empty when it can."""
        now = monotonic()
        answer = self.answer
        if answer is None or (answer.done() and now - self.asked_at >= FRESH_SECONDS):
            answer, self.asked_at = _looking(), now
            self.answer = answer
        waits = max(self.asked_at + DATABASE_SECONDS - now, 0)
        done, _ = await asyncio.wait({asyncio.wrap_future(answer)}, timeout=waits)
        return answer.result() if done else LATE


def _looking() -> Future[str]:
    answer: Future[str] = Future()
    # A daemon: a database that never answers must not keep the process from ending.
    Thread(
        target=lambda: answer.set_result(_look()), name="readiness", daemon=True
    ).start()
    return answer


def _look() -> str:
    try:
        dry_run()
        # A call that rings is written. This takes the same locks, and changes nothing.
        Call.objects.filter(pk=0).update(last_seen_at=Now())
    except Exception as error:  # whoever asks must be told something
        return f"The database cannot be used ({type(error).__name__})."
    finally:
        connections.close_all()
    return ""


class ReadinessLog:
    """Tells the log when readiness changes; checkers ask every few seconds."""

    def __init__(self) -> None:
        self.last: list[str] = []

    def note(self, reasons: list[str]) -> None:
        """Take in what a checker is told."""
        if reasons == self.last:
            return
        self.last = reasons
        if reasons:
            log.warning("Not ready: %s", " ".join(reasons))
        else:
            log.info("Ready")


probe = DatabaseProbe()
journal = ReadinessLog()


def problems() -> list[str]:
    """What of this process itself speaks against giving it new calls.

    Not that it is full: then it answers that the line is busy or puts callers through,
    and a proxy that takes it out would take the clips of its calls away. Nor that Redis
    is away: calls go on in the carrier's voice.
    """
    found = []
    if active_calls().draining:
        found.append(DRAINING)
    if services().transcripts.queue.qsize() >= QUEUE_FULL:
        found.append(NOT_WRITTEN)
    return found


@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process and its event loop are alive; asks nothing of anybody."""
    return JsonResponse({"alive": True}, headers=NO_STORE)


@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """Whether new calls should come here; 503 with the reasons when not."""
    reasons = problems()
    if trouble := await probe.trouble():
        reasons.append(trouble)
    journal.note(reasons)
    told = {"ready": not reasons, "reasons": reasons}
    return JsonResponse(told, status=503 if reasons else 200, headers=NO_STORE)
