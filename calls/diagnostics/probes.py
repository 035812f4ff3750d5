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
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bots.models import PhoneNumber
from calls.diagnostics.findings import (
    CARRIER_VOICE,
    SORRY,
    TWILIO_ERROR,
    Finding,
    bad,
    doubtful,
    good,
)
from calls.diagnostics.server_url_probe import Sample
from calls.diagnostics.warnings import at_the_numbers, in_the_setup
from calls.models import Call, Followup
from calls.speech.clip_store import ClipsUnavailable, RedisClips
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioAway, TwilioError
from calls.twilio.number_setup import Number, Points, standing
from calls.twilio.webhook_urls import webhooks
from calls.webhooks.admission import try_to_ring

ASK_SECONDS = 3.0
DATABASE_SECONDS = 5.0
LATE = f"it does not answer within {DATABASE_SECONDS:g} s"
SAMPLE_SECONDS = 60.0
BRIEF_SECONDS = 0.05
TELL_MB, FULL_MB = 500, 50
MOST_CLOCK_ERROR = 30.0


def of_settings() -> Iterator[Finding]:
    """What the server's own checks say."""
    found = in_the_setup()
    for trouble in found:
        words = f"{trouble.what} {trouble.remedy}"
        if trouble.grave:
            yield bad("Settings", words, TWILIO_ERROR)  # it refuses to start
        else:
            yield doubtful("Settings", words)
    if not found:
        yield good("Settings", "Complete.")


def of_database(reach: Callable[[], None]) -> Iterator[Finding]:
    """Whether it can be reached, is up to date and takes a call."""
    told: list[str] = []
    # A daemon: a database that never answers must not keep us from ending.
    look = Thread(target=lambda: told.append(_trouble(reach)), daemon=True)
    look.start()
    look.join(DATABASE_SECONDS)
    trouble = told[0] if told else _unusable(LATE)
    if trouble:
        yield bad("Database", trouble, SORRY)
        return
    yield good("Database", f"{connection.display_name} is up to date and takes calls.")
    yield from _of_disk()


def _trouble(reach: Callable[[], None]) -> str:
    """Why no call can be written; empty when one can."""
    try:
        reach()
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            return f"{len(waiting)} migrations wait. Run `manage.py setup`."
        try_to_ring()
        Followup.objects.exists()
        with transaction.atomic():
            sid = f"doctor-{token_hex(16)}"
            Call.objects.create(call_sid=sid, started_at=timezone.now())
            transaction.set_rollback(True)
    except (DatabaseError, InterfaceError) as error:
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
        yield bad("Disk", f"{words} Make room: soon no call can be written.")
    elif megabytes < TELL_MB:
        yield doubtful("Disk", f"{words} Make room.")
    else:
        yield good("Disk", words)


def of_clips(sample: Sample) -> Iterator[Finding]:
    """Whether a clip is kept, comes back whole and is forgotten in time.

    Leaves the sample there, for the round trip.
    """
    if not settings.REDIS_URL:
        words = "Kept in the server's own memory, which is right for a single process."
        yield good("Clips", words)
        return
    try:
        trouble = asyncio.run(_try_store(sample))
    except ClipsUnavailable as error:
        reason = str(error).rstrip(".")
        trouble = f"Redis takes none: {reason}. Is it up, and is REDIS_URL right?"
    if trouble:
        yield bad("Clips", trouble, CARRIER_VOICE)
    else:
        yield good("Clips", "Redis keeps a clip, gives it back and forgets it in time.")


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
            yield bad("Server", words, TWILIO_ERROR)
        elif ready.status_code == 200:
            yield good("Server", f"It runs at {address} and takes calls.")
        else:
            reasons = " ".join(map(str, ready.json().get("reasons", [])))
            yield bad("Server", f"It runs at {address} and takes no calls: {reasons}")
    except (httpx.HTTPError, ValueError):
        words = f"None runs at {address}. Start it with `manage.py serve`."
        yield doubtful("Server", f"{words} The rest is tried without it.")


def of_numbers() -> Iterator[Finding]:
    """Numbers without a bot here, and where they point at Twilio."""
    lost = at_the_numbers()
    for trouble in lost:
        yield bad("Numbers", f"{trouble.what} {trouble.remedy}")
    if not lost:
        yield good("Numbers", "Every number in service has an active bot.")
    if not is_connected():
        words = "Not looked at: TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN is not set."
        yield doubtful("Twilio", words)
        return
    try:
        yield from _at_twilio(account().numbers())
    except TwilioAway as error:
        yield doubtful("Twilio", str(error))
    except TwilioError as error:
        yield bad("Twilio", str(error))


def _at_twilio(numbers: list[Number]) -> Iterator[Finding]:
    listed = PhoneNumber.objects.filter(is_active=True)
    known = set(listed.values_list("number", flat=True))
    here = 0
    for number in numbers:
        found = standing(number, webhooks())
        here += found.points == Points.HERE
        words = f"{number.number}: {found.words}."
        if found.points == Points.NEARLY:
            lost = number.voice_method != "POST"
            yield (bad if lost else doubtful)("Twilio", f"{words} The desk points it.")
        elif found.points != Points.HERE and number.number in known:
            yield bad("Twilio", f"{words} The desk's page of numbers points it here.")
    for missing in sorted(known - {number.number for number in numbers}):
        yield doubtful("Twilio", f"{missing} is not in this account.")
    if here:
        yield good("Twilio", f"Numbers that point here: {here}.")
    elif not known:
        yield bad("Twilio", "No number of the account points here. The desk does that.")


def of_clock() -> Iterator[Finding]:
    """Whether this machine's clock agrees with Inworld's."""
    try:
        answer = httpx.get(settings.INWORLD_BASE_URL, timeout=ASK_SECONDS)
        told = parsedate_to_datetime(answer.headers["Date"])
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
        return
    seconds = abs((datetime.now(UTC) - told.astimezone(UTC)).total_seconds())
    if seconds <= MOST_CLOCK_ERROR:
        yield good("Clock", "It agrees with Inworld's.")
        return
    yield doubtful(
        "Clock",
        f"It is {seconds:.0f} s off. Switch time synchronisation on: codes for signing "
        "in and the times of calls depend on it.",
    )
