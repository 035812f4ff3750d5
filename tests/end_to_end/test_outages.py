"""Parts fail during calls: the calls continue, and their transcripts are complete."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from calls.models import Call
from calls.operations.reaper import Reaper
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from calls.transcripts.writes import CallsAlive, write_all
from calls.webhooks.connect import OUT_OF_ORDER
from tests.conftest import INWORLD_PORT, tracebacks
from tests.faults.crowd import reply
from tests.faults.deployment import (
    ENVIRONMENT,
    FAULTS,
    HOUR,
    Deployment,
    Fault,
    full_deployment,
    standalone_deployment,
)
from tests.faults.outage import inject
from tests.support.inworld.server import FakeInworld
from tests.support.live import AUTH_TOKEN, PUBLIC_URL
from tests.support.live import running as live
from tests.support.services import Missing, Redis

CALLS = 4
# After the repair of a part, Twilio's voice says at most so many answers of a call.
LATE_ANSWERS = 3


def running(
    start: Callable[[str], AbstractContextManager[Deployment]],
) -> Iterator[Deployment]:
    """One deployment for all faults, because none of them may need a restart."""
    try:
        with start(f"http://127.0.0.1:{INWORLD_PORT}") as deployment:
            yield deployment
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def with_services() -> Iterator[Deployment]:
    yield from running(full_deployment)


@pytest.fixture(scope="module")
def standalone() -> Iterator[Deployment]:
    yield from running(standalone_deployment)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_calls_continue_and_are_stored_completely(
    request: pytest.FixtureRequest, inworld: FakeInworld, fault: Fault
) -> None:
    name = "standalone" if fault.on_sqlite else "with_services"
    deployment: Deployment = request.getfixturevalue(name)
    inworld.reply_with = reply
    before = len(deployment.server.output)
    outcome = await inject(fault, deployment, CALLS)
    assert outcome.lost_calls == []
    assert outcome.faults == []
    assert outcome.unheard == 0
    assert outcome.late_answers <= LATE_ANSWERS, outcome
    assert tracebacks(deployment.server.output[before:]) == []


@pytest.mark.parametrize(
    ("breaks", "repairs"),
    [
        (Redis.kill, Redis.start),
        (Redis.freeze, Redis.thaw),
        (Redis.restart, lambda redis: None),
    ],
    ids=["killed", "frozen", "restarted"],
)
async def test_clips_that_were_sent_are_played_without_redis(
    with_services: Deployment,
    inworld: FakeInworld,
    breaks: Callable[[Redis], None],
    repairs: Callable[[Redis], None],
) -> None:
    assert with_services.redis
    inworld.says("This takes a while to say.", "And this waits.", seconds=1.0)
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=with_services.server.url, pause=0.3)
    async with SimulatedCall(line) as call:
        await call.reply()
        before = len(plays(call))
        await call.say("Tell me.")
        async with asyncio.timeout(15):
            await call.record.until(lambda: len(plays(call)) >= before + 2)
        # The greeting and the first sentence are downloaded; the second is queued.
        await asyncio.to_thread(breaks, with_services.redis)
        try:
            heard = await call.reply()
        finally:
            await asyncio.to_thread(repairs, with_services.redis)
    assert [sound.source for sound in heard] == plays(call)[before:]
    assert call.errors == []


async def test_hanging_new_calls_do_not_block_the_resume_of_a_lost_call(
    with_services: Deployment, inworld: FakeInworld
) -> None:
    assert with_services.postgres
    line = fast_line(with_services.server.url)
    inworld.says("Still here.")
    async with SimulatedCall(line) as call:
        await call.reply()
        await asyncio.to_thread(with_services.postgres.lock, "bots_phonenumber")
        try:
            # More of them than there are threads.
            hanging = [asyncio.create_task(ring(line)) for _ in range(20)]
            await asyncio.to_thread(with_services.postgres.is_waited_for, by=6)
            await call.lose_connection()
            await call.say("Are you there?")
            await call.reply()
            assert not any(task.done() for task in hanging)
        finally:
            await asyncio.to_thread(with_services.postgres.release)
        await asyncio.gather(*hanging)
    assert call.sessions == 2
    assert call.errors == []


async def test_a_server_stops_although_the_database_never_answers(
    with_services: Deployment,
) -> None:
    assert with_services.postgres
    patient = f"{with_services.database_url}?options=-c%20lock_timeout%3D0"
    environment = {**ENVIRONMENT, "DATABASE_URL": patient}
    async with live(**environment) as server:
        line = fast_line(server.url)
        await asyncio.to_thread(with_services.postgres.lock)
        try:
            ringing = asyncio.create_task(ring(line))
            await asyncio.to_thread(with_services.postgres.is_waited_for, by=1)
            server.process.terminate()
            assert await asyncio.to_thread(server.process.wait, 14) == 0
        finally:
            await asyncio.to_thread(with_services.postgres.release)
        await asyncio.gather(ringing, return_exceptions=True)
    assert tracebacks(server.output) == []


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_a_clock_change_ends_no_connection(
    standalone: Deployment, shift: float
) -> None:
    """A clip may be fetched over an idle connection."""
    address = urlsplit(standalone.server.url).netloc
    with closing(HTTPConnection(address)) as waiting:
        assert answered(waiting) == 200
        waited = waiting.sock
        try:
            standalone.set_clock(shift)
            with closing(HTTPConnection(address)) as new:
                assert answered(new) == 200  # and timers are checked
            assert answered(waiting) == 200
        finally:
            standalone.set_clock(0)
        assert waiting.sock is waited


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
@pytest.mark.parametrize("by_bot", [True, False])
async def test_a_clock_change_makes_no_call_longer_or_shorter(
    standalone: Deployment, inworld: FakeInworld, shift: float, by_bot: bool
) -> None:
    line = fast_line(standalone.server.url)
    try:
        async with SimulatedCall(line) as call:
            await call.reply()
            standalone.set_clock(shift)
            await call.say("Goodbye" if by_bot else "Hello?")
            await call.reply()
            if by_bot:
                await call.ends()
        assert 0 <= await lasted(standalone, call) < 60
    finally:
        standalone.set_clock(0)


async def lasted(deployment: Deployment, call: SimulatedCall) -> float:
    """Wait for the stored duration of a call."""
    async with asyncio.timeout(15):
        while True:
            seconds = deployment.stored_calls.lasted(call.call_sid)
            if seconds is not None:
                return seconds
            await asyncio.sleep(0.05)


def answered(connection: HTTPConnection) -> int:
    """Send one more request over a connection; return the status."""
    connection.request("GET", "/healthz")
    with connection.getresponse() as response:
        response.read()
        return response.status


async def test_a_call_to_a_wrong_address_hears_so_without_a_database(
    with_services: Deployment,
) -> None:
    assert with_services.postgres
    wrong = "https://elsewhere.example"
    line = Line(wrong, AUTH_TOKEN, connect_to=with_services.server.url, fast=True)
    await asyncio.to_thread(with_services.postgres.lock)
    try:
        async with SimulatedCall(line) as call:
            assert not call.answered
            assert call.refusal == OUT_OF_ORDER
    finally:
        await asyncio.to_thread(with_services.postgres.release)


@pytest.mark.parametrize(
    "table", ["calls_call", "calls_blockedcaller", "bots_phonenumber", "bots_bot"]
)
async def test_a_server_that_cannot_take_calls_is_not_ready(
    with_services: Deployment, table: str
) -> None:
    assert with_services.postgres
    async with httpx.AsyncClient(base_url=with_services.server.url) as http:
        assert (await http.get("/readyz")).status_code == 200
        await asyncio.to_thread(with_services.postgres.lock, table)
        try:
            await status(http, 503)
        finally:
            await asyncio.to_thread(with_services.postgres.release)
        await status(http, 200)


async def status(http: httpx.AsyncClient, wanted: int) -> None:
    """Wait until a health check says that the server is ready, or that it is not."""
    async with asyncio.timeout(15):
        while True:
            if (await http.get("/readyz")).status_code == wanted:
                return
            await asyncio.sleep(0.05)


def fast_line(url: str) -> Line:
    """Return a line that waits neither for playback nor long for the end of a reply."""
    return Line(PUBLIC_URL, AUTH_TOKEN, connect_to=url, fast=True, pause=0.2)


async def ring(line: Line) -> None:
    """Make a call and listen until it ends."""
    async with SimulatedCall(line):
        pass


def plays(call: SimulatedCall) -> list[str]:
    """Return the sources of the clips that the bot plays."""
    frames = [frame.message for frame in call.frames if not frame.sent]
    return [frame["source"] for frame in frames if frame["type"] == "play"]


# Wall time is only for people, for tokens, and for comparisons between processes.
WALL_CLOCKS = re.compile(r"\btime\.time\b|import time$|datetime|timezone", re.MULTILINE)
STEER_CALLS = sorted(
    str(path.relative_to(settings.BASE_DIR))
    for pattern in (
        "conversation/*.py",
        "clips/*.py",
        "speech/*.py",
        "turns/*.py",
        "session/session.py",
        "session/consumer.py",
        "session/active_calls.py",
        "session/rate_limit.py",
    )
    for path in (settings.BASE_DIR / "calls").glob(pattern)
    # These make tokens, and what is known about Twilio for a week.
    if path.name not in ("signed_ids.py", "carrier_verdict.py")
)


@pytest.mark.parametrize("path", STEER_CALLS)
def test_no_wall_clock_steers_a_call(path: str) -> None:
    assert WALL_CLOCKS.findall((settings.BASE_DIR / path).read_text()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_jump_of_the_databases_clock_closes_no_call(jump: timedelta) -> None:
    """After the jump, the last heartbeat of a call is an hour off."""
    call = Call.objects.create(
        call_sid="CA1", status=Call.Status.IN_PROGRESS, started_at=timezone.now()
    )
    reaper = Reaper()
    assert reaper.run() == 0
    Call.objects.update(last_seen_at=F("last_seen_at") - jump)
    assert reaper.run() == 0
    write_all([CallsAlive((call.pk,))])  # twice per check
    assert reaper.run() == 0
    call.refresh_from_db()
    assert call.status == Call.Status.IN_PROGRESS
