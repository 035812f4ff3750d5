"""The doctor's checks of settings, database, clips, server, numbers and clock."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from secrets import token_hex
from threading import Thread

import httpx
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bots.config.text import one_line
from bots.models import Bot, PhoneNumber
from calls.checks import redis_problem
from calls.clips.clip_store import ClipsUnavailable, RedisClips
from calls.diagnostics.findings import (
    SORRY,
    TWILIO_ERROR,
    TWILIO_VOICE,
    Finding,
    failure,
    ok,
    warning,
)
from calls.diagnostics.refused_settings import NAME as BOTS
from calls.diagnostics.refused_settings import refused_settings_findings
from calls.diagnostics.server_url_probe import Sample
from calls.diagnostics.warnings import (
    NUMBERS,
    SETTINGS,
    bot_findings,
    number_findings,
    setup_findings,
)
from calls.models import Call, PostCallTask
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioAway, TwilioError
from calls.twilio.number_setup import Number, PointsAt, number_status
from calls.twilio.webhook_urls import webhooks
from calls.webhooks.admission import dry_run

ASK_SECONDS = 3.0
DATABASE_SECONDS = 5.0
TOO_SLOW = f"it does not answer within {DATABASE_SECONDS:g} s"
SAMPLE_SECONDS = 60.0
BRIEF_SECONDS = 0.05
# Free disk space below which the doctor warns, and fails.
LOW_MB, FULL_MB = 500, 50
MAX_CLOCK_ERROR_SECONDS = 30.0
# No API tells if it was accepted.
ADDENDUM = (
    "The AI/ML addendum must be accepted in Twilio's Console (Voice, Settings), or "
    "every call fails; that cannot be checked from here."
)
NEEDS_VOICE = (
    "Use a local, mobile or toll-free number that has Voice: a number for messages "
    "only takes no calls."
)
POINTED_IN_CONSOLE = "The console's page “Connect numbers” points it here."


def probe_settings() -> Iterator[Finding]:
    """The server's own system checks."""
    yield from setup_findings() or [ok(SETTINGS, "Complete.")]


def probe_database(reach: Callable[[], None]) -> Iterator[Finding]:
    """Check that the database is up to date and can store a call."""
    problems: list[str] = []
    # A daemon: a database that never answers must not keep the doctor from ending.
    attempt = Thread(
        target=lambda: problems.append(_database_problem(reach)), daemon=True
    )
    attempt.start()
    attempt.join(DATABASE_SECONDS)
    problem = problems[0] if problems else _unusable(TOO_SLOW)
    if problem:
        yield failure("Database", problem, caller_hears=SORRY)
        return
    yield ok("Database", f"{connection.display_name} is up to date and takes calls.")
    yield from _probe_disk()


def _database_problem(reach: Callable[[], None]) -> str:
    """Why no call can be stored; empty if one can."""
    try:
        reach()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return f"{len(missing)} migrations wait. Run `manage.py setup`."
        dry_run()
        PostCallTask.objects.exists()
        with transaction.atomic():
            sid = f"doctor-{token_hex(16)}"
            Call.objects.create(call_sid=sid, started_at=timezone.now())
            transaction.set_rollback(True)
    except Error as error:
        reason = one_line(str(error)).rstrip(".")
        return _unusable(reason or type(error).__name__)
    finally:
        connection.close()
    return ""


def _unusable(reason: str) -> str:
    return f"It cannot be used: {reason}. Is DATABASE_URL right, and does it run?"


def _probe_disk() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return
    folder = Path(str(connection.settings_dict["NAME"])).resolve().parent
    megabytes = shutil.disk_usage(folder).free // 1_000_000
    free = f"{megabytes:,} MB are free for the database in {folder}."
    if megabytes < FULL_MB:
        yield failure("Disk", free, "Make room: soon no call can be stored.")
    elif megabytes < LOW_MB:
        yield warning("Disk", free, "Make room.")
    else:
        yield ok("Disk", free)


def probe_clips(sample: Sample) -> Iterator[Finding]:
    """Check that a clip can be stored, comes back unchanged, and expires in time.

    Leaves the sample in the store, to be fetched through SERVER_URL.
    """
    if not settings.REDIS_URL:
        message = "Kept in the server's own memory: right for a single process."
        yield ok("Clips", message)
        return
    problem = redis_problem(settings.REDIS_URL) or _clip_store_problem(sample)
    if problem:
        hint = "Does Redis run, and is REDIS_URL right?"
        yield failure("Clips", problem, hint, caller_hears=TWILIO_VOICE)
    else:
        yield ok("Clips", "Redis stores a clip, returns it and deletes it in time.")


def _clip_store_problem(sample: Sample) -> str:
    try:
        return asyncio.run(_try_clip_store(sample))
    except ClipsUnavailable as error:
        reason = str(error).rstrip(".")
        return f"Redis stores no clips: {reason}."


async def _try_clip_store(sample: Sample) -> str:
    store = RedisClips(settings.REDIS_URL)
    try:
        await store.put(sample.id, sample.wav, SAMPLE_SECONDS)
        if await store.get(sample.id) != sample.wav:
            return "Redis returns something else than the clip. Is its memory full?"
        brief = Sample()
        await store.put(brief.id, brief.wav, BRIEF_SECONDS)
        await asyncio.sleep(2 * BRIEF_SECONDS)
        if await store.get(brief.id) is not None:
            return "Redis does not delete clips that have expired."
        return ""
    finally:
        await store.aclose()


def probe_server() -> Iterator[Finding]:
    """Check that a server runs on this machine and takes calls."""
    host = settings.HOST if settings.HOST not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{settings.PORT}"
    try:
        # Proxies of this machine's settings are not for requests to itself.
        with httpx.Client(timeout=ASK_SECONDS, trust_env=False) as http:
            alive = http.get(f"{address}/healthz")
            ready = http.get(f"{address}/readyz")
        if alive.status_code != 200:
            message = f"Another program answers at {address}, not voicebot."
            yield failure(
                "Server", message, "Set another PORT.", caller_hears=TWILIO_ERROR
            )
            return
        status = ready.json()
        if ready.status_code == 200:
            yield ok("Server", f"It runs at {address} and takes calls.")
        else:
            reasons = " ".join(map(str, status.get("reasons", [])))
            yield failure(
                "Server", f"It runs at {address} and takes no calls: {reasons}"
            )
        for problem in status.get("warnings", []):
            yield warning("Signatures", f"A request was refused. {problem}")
    except (httpx.HTTPError, ValueError):
        yield warning(
            "Server",
            f"None runs at {address}.",
            "Start it with `manage.py serve`. The rest is checked without it.",
        )


def probe_numbers() -> Iterator[Finding]:
    """Check that numbers have a bot, and that they point here at Twilio."""
    yield from number_findings() or [
        ok(NUMBERS, "Every number in service has an active bot.")
    ]
    yield from bot_findings(Bot.objects.filter(is_active=True))
    if not is_connected():
        message = "Not checked: TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not set."
        yield warning("Twilio", message)
        return
    try:
        yield from _probe_account_type(is_trial=account().is_trial())
        yield from _probe_account(account().numbers())
    except TwilioAway as error:
        yield warning("Twilio", str(error))
    except TwilioError as error:
        yield failure("Twilio", str(error))


def _probe_account_type(*, is_trial: bool) -> Iterator[Finding]:
    if is_trial:
        yield warning(
            "Twilio account",
            "It is a trial account: Twilio may refuse to connect calls to a bot (error "
            "10002).",
            f"Upgrade the account. {ADDENDUM}",
        )
    else:
        yield ok("Twilio account", f"It is no trial account. {ADDENDUM}")


def _probe_account(numbers: list[Number]) -> Iterator[Finding]:
    in_service = PhoneNumber.objects.filter(is_active=True)
    ours = set(in_service.values_list("number", flat=True))
    pointing_here = 0
    for number in numbers:
        status = number_status(number, webhooks())
        pointing_here += number.takes_calls and status.points == PointsAt.HERE
        message = f"{number.number}: {status.message}."
        if number.number in ours and not number.takes_calls:
            yield failure("Twilio", f"{number.number} has no Voice.", NEEDS_VOICE)
            continue
        if status.points == PointsAt.PARTLY:
            takes_no_calls = number.voice_method != "POST"
            yield (failure if takes_no_calls else warning)(
                "Twilio", message, POINTED_IN_CONSOLE
            )
        elif status.points != PointsAt.HERE and number.number in ours:
            yield failure("Twilio", message, POINTED_IN_CONSOLE)
    for missing in sorted(ours - {number.number for number in numbers}):
        yield warning("Twilio", f"{missing} is not in this account.")
    if pointing_here:
        yield ok("Twilio", f"Numbers that point here: {pointing_here}.")
    elif not ours:
        yield failure(
            "Twilio",
            "No number of the account points here.",
            "Do that on the console's page “Connect numbers”.",
        )


def probe_refused_settings() -> Iterator[Finding]:
    """Report bots whose settings Twilio refused in a call."""
    yield from refused_settings_findings(Call.objects.real()) or [
        ok(BOTS, "Twilio has refused no settings of a bot.")
    ]


def probe_clock() -> Iterator[Finding]:
    """Compare this machine's clock with Inworld's."""
    try:
        answer = httpx.get(settings.INWORLD_BASE_URL, timeout=ASK_SECONDS)
        their_time = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
        return
    seconds = abs((datetime.now(UTC) - their_time.astimezone(UTC)).total_seconds())
    if seconds <= MAX_CLOCK_ERROR_SECONDS:
        yield ok("Clock", "It agrees with Inworld's.")
        return
    yield warning(
        "Clock",
        f"It is {seconds:.0f} s off.",
        "Switch time synchronisation on: sign-in codes and the times of calls depend "
        "on it.",
    )
