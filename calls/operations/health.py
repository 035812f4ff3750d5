"""`/healthz`: the process is alive. `/readyz`: it takes new calls."""

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
from calls.operations.runtime import runtime
from calls.operations.trouble import QUEUE_NEARLY_FULL, is_queue_full
from calls.session.active_calls import active_calls
from calls.session.services import services
from calls.twilio.signatures import shared_key_problem
from calls.webhooks.admission import dry_run

log = logging.getLogger(__name__)

DATABASE_SECONDS = 1.0
# A result of the database probe is reused for so long.
CACHE_SECONDS = 0.5
DRAINING = "The server is stopping: it finishes its calls and takes no new ones."
DATABASE_TIMEOUT = f"The database does not answer within {DATABASE_SECONDS:g} s."
WARMING_UP = "The server has just started: it makes its bots' greetings ready."
NO_STORE = {"Cache-Control": "no-store"}


class DatabaseProbe:
    """Tests the database, at most once at a time, however many requests come in."""

    def __init__(self) -> None:
        self.result: Future[str] | None = None
        self.started_at = 0.0

    async def problem(self) -> str:
        """Why the database cannot be used; empty if it can."""
        now = monotonic()
        result = self.result
        if result is None or (result.done() and now - self.started_at >= CACHE_SECONDS):
            result, self.started_at = _start_probe(), now
            self.result = result
        left = max(self.started_at + DATABASE_SECONDS - now, 0)
        done, _ = await asyncio.wait({asyncio.wrap_future(result)}, timeout=left)
        return result.result() if done else DATABASE_TIMEOUT


def _start_probe() -> Future[str]:
    result: Future[str] = Future()
    # A daemon: a database that never answers must not keep the process from ending.
    Thread(
        target=lambda: result.set_result(_probe()), name="readiness", daemon=True
    ).start()
    return result


def _probe() -> str:
    try:
        dry_run()
        # An incoming call is written. This takes the same locks and changes nothing.
        Call.objects.filter(pk=0).update(last_seen_at=Now())
    except Exception as error:  # any of them means: not ready
        return f"The database cannot be used ({type(error).__name__})."
    finally:
        connections.close_all()
    return ""


class ReadinessLog:
    """Logs when readiness changes, not at each of the frequent checks."""

    def __init__(self) -> None:
        self.last: list[str] = []

    def record(self, problems: list[str]) -> None:
        """Log the problems if they are not those of the last check."""
        if problems == self.last:
            return
        self.last = problems
        if problems:
            log.warning("Not ready: %s", " ".join(problems))
        else:
            log.info("Ready")


database_probe = DatabaseProbe()
readiness_log = ReadinessLog()


def process_problems() -> list[str]:
    """Reasons in this process itself to send new calls elsewhere.

    MAX_CALLS is none: a full process answers that the line is busy, and a proxy that
    takes it out would cut its calls off from their clips. Nor is Redis: without it
    calls go on in Twilio's own voice.
    """
    problems = []
    if active_calls().draining:
        problems.append(DRAINING)
    if runtime().warm_up.is_awaited:
        problems.append(WARMING_UP)
    if is_queue_full(services().transcripts):
        problems.append(QUEUE_NEARLY_FULL)
    return problems


@require_safe
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process and its event loop are alive. Needs no other service."""
    return JsonResponse({"alive": True}, headers=NO_STORE)


@require_safe
async def readyz(request: HttpRequest) -> HttpResponse:
    """200 if new calls may come to this process; 503 with the reasons if not."""
    problems = process_problems()
    if problem := await database_probe.problem():
        problems.append(problem)
    readiness_log.record(problems)
    warnings = list(filter(None, [shared_key_problem.latest]))
    body = {"ready": not problems, "reasons": problems, "warnings": warnings}
    return JsonResponse(body, status=503 if problems else 200, headers=NO_STORE)
