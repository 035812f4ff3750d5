"""What the doctor tries: settings, database, clips, the server, numbers at Twilio."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from secrets import token_hex
from threading import Thread

import httpx
from django import db
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bots.models import PhoneNumber
from calls.diagnostics.findings import (
    CARRIER_VOICE,
    SORRY,
    TWILIO_ERROR,
    Finding,
    failure,
    ok,
    warning,
)
from calls.diagnostics.server_url_probe import Sample
from calls.diagnostics.warnings import at_the_numbers, in_the_setup
from calls.models import Call, PostCallTask
from calls.speech.clip_store import ClipsUnavailable, RedisClips
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioAway, TwilioError
from calls.twilio.number_setup import Number, PointsAt, number_status
from calls.twilio.webhook_urls import webhooks
from calls.webhooks.admission import dry_run

ASK_SECONDS = 3.0
DATABASE_SECONDS = 5.0
LATE = f"it does not answer within {DATABASE_SECONDS:g} s"
SAMPLE_SECONDS = 60.0
BRIEF_SECONDS = 0.05
TELL_MB, FULL_MB = 500, 50
MAX_CLOCK_ERROR_SECONDS = 30.0


def of_settings() -> Iterator[Finding]:
    """What the server's own checks say."""
    found = in_the_setup()
    for trouble in found:
        words = f"{trouble.what} {trouble.remedy}"
        if trouble.is_urgent:
            yield failure("Settings", words, TWILIO_ERROR)  # it refuses to start
        else:
            yield warning("Settings", words)
    if not found:
        yield ok("Settings", "Complete.")


def of_database(reach: Callable[[], None]) -> Iterator[Finding]:
    """Whether it can be reached, is up to date and takes a call."""
    told: list[str] = []
    # A daemon: a database that never answers must not keep us from ending.
    look = Thread(target=lambda: told.append(_trouble(reach)), daemon=True)
    look.start()
    look.join(DATABASE_SECONDS)
    trouble = told[0] if told else _unusable(LATE)
    if trouble:
        yield failure("Database", trouble, SORRY)
        return
    yield ok("Database", f"{connection.display_name} is up to date and takes calls.")
    yield from _of_disk()


def _trouble(reach: Callable[[], None]) -> str:
    """Why no call can be written; empty when one can."""
    try:
        reach()
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            return f"{len(waiting)} migrations wait. Run `manage.py setup`."
        dry_run()
        PostCallTask.objects.exists()
        with transaction.atomic():
            sid = f"doctor-{token_hex(16)}"
            Call.objects.create(call_sid=sid, started_at=timezone.now())
            transaction.set_rollback(True)
    except db.Error as error:
        reason = " ".join(str(error).split()).rstrip(".")
        return _unusable(reason or type(error).__name__)
    finally:
        connection.close()
    return ""


def _unusable(reason: str) -> str:
    return f"It cannot be used: {reason}. Is DATABASE_URL right, and does it run?"


def _of_disk() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return
    folder = Path(str(connection.settings_dict["NAME"])).resolve().parent
    megabytes = shutil.disk_usage(folder).free // 1_000_000
    words = f"{megabytes:,} MB are free for the database in {folder}."
    if megabytes < FULL_MB:
        yield failure("Disk", f"{words} Make room: soon no call can be written.")
    elif megabytes < TELL_MB:
        yield warning("Disk", f"{words} Make room.")
    else:
        yield ok("Disk", words)


def of_clips(sample: Sample) -> Iterator[Finding]:
    """Whether a clip is kept, comes back whole and is forgotten in time.

    Leaves the sample there, for the round trip.
    """
    if not settings.REDIS_URL:
        words = "Kept in the server's own memory, which is right for a single process."
        yield ok("Clips", words)
        return
    try:
        trouble = asyncio.run(_try_store(sample))
    except ClipsUnavailable as error:
        reason = str(error).rstrip(".")
        trouble = f"Redis takes none: {reason}. Is it up, and is REDIS_URL right?"
    if trouble:
        yield failure("Clips", trouble, CARRIER_VOICE)
    else:
        yield ok("Clips", "Redis keeps a clip, gives it back and forgets it in time.")


async def _try_store(sample: Sample) -> str:
    store = RedisClips(settings.REDIS_URL)
    try:
        await store.put(sample.id, sample.wav, SAMPLE_SECONDS)
        if await store.get(sample.id) != sample.wav:
            return "Redis gives back something else. Is its memory full?"
        brief = Sample()
        await store.put(brief.id, brief.wav, BRIEF_SECONDS)
        await asyncio.sleep(2 * BRIEF_SECONDS)
        if await store.get(brief.id) is not None:
            return "Redis does not forget what has expired."
        return ""
    finally:
        await store.aclose()


def of_server() -> Iterator[Finding]:
    """Whether a server runs on this machine and takes calls."""
    host = settings.HOST if settings.HOST not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{settings.PORT}"
    try:
        # Proxies of this machine's settings are for the world outside.
        with httpx.Client(timeout=ASK_SECONDS, trust_env=False) as http:
            alive = http.get(f"{address}/healthz")
            ready = http.get(f"{address}/readyz")
        if alive.status_code != 200:
            words = f"What answers at {address} is no voicebot. Set another PORT."
            yield failure("Server", words, TWILIO_ERROR)
        elif ready.status_code == 200:
            yield ok("Server", f"It runs at {address} and takes calls.")
        else:
            reasons = " ".join(map(str, ready.json().get("reasons", [])))
            yield failure(
                "Server", f"It runs at {address} and takes no calls: {reasons}"
            )
    except (httpx.HTTPError, ValueError):
        words = f"None runs at {address}. Start it with `manage.py serve`."
        yield warning("Server", f"{words} The rest is tried without it.")


def of_numbers() -> Iterator[Finding]:
    """Numbers without a bot here, and where they point at Twilio."""
    lost = at_the_numbers()
    for trouble in lost:
        yield failure("Numbers", f"{trouble.what} {trouble.remedy}")
    if not lost:
        yield ok("Numbers", "Every number in service has an active bot.")
    if not is_connected():
        words = "Not looked at: TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not set."
        yield warning("Twilio", words)
        return
    try:
        yield from _at_twilio(account().numbers())
    except TwilioAway as error:
        yield warning("Twilio", str(error))
    except TwilioError as error:
        yield failure("Twilio", str(error))


def _at_twilio(numbers: list[Number]) -> Iterator[Finding]:
    listed = PhoneNumber.objects.filter(is_active=True)
    known = set(listed.values_list("number", flat=True))
    here = 0
    for number in numbers:
        found = number_status(number, webhooks())
        here += found.points == PointsAt.HERE
        words = f"{number.number}: {found.message}."
        if found.points == PointsAt.PARTLY:
            lost = number.voice_method != "POST"
            yield (failure if lost else warning)(
                "Twilio", f"{words} The desk points it."
            )
        elif found.points != PointsAt.HERE and number.number in known:
            yield failure(
                "Twilio", f"{words} The desk's page of numbers points it here."
            )
    for missing in sorted(known - {number.number for number in numbers}):
        yield warning("Twilio", f"{missing} is not in this account.")
    if here:
        yield ok("Twilio", f"Numbers that point here: {here}.")
    elif not known:
        yield failure(
            "Twilio", "No number of the account points here. The desk does that."
        )


def of_clock() -> Iterator[Finding]:
    """Whether this machine's clock agrees with Inworld's."""
    try:
        answer = httpx.get(settings.INWORLD_BASE_URL, timeout=ASK_SECONDS)
        told = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
        return
    seconds = abs((datetime.now(UTC) - told.astimezone(UTC)).total_seconds())
    if seconds <= MAX_CLOCK_ERROR_SECONDS:
        yield ok("Clock", "It agrees with Inworld's.")
        return
    yield warning(
        "Clock",
        f"It is {seconds:.0f} s off. Switch time synchronisation on: codes for signing "
        "in and the times of calls depend on it.",
    )
