"""A process whose event loop lags takes no further calls, and recovers by itself."""

import asyncio
import re
import signal
from collections.abc import Iterator

import httpx
import pytest
from pytest_django import Settings

from bots.models import Bot
from calls.diagnostics.warnings import overload_findings
from calls.operations.overload import CALM_SECONDS, LAG_SECONDS, Overload
from calls.session.active_calls import active_calls
from tests.calls.webhooks.test_incoming import ring
from tests.end_to_end.test_live import dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, running
from tests.support.process import clear_process_state

STEP = 0.25


@pytest.fixture(autouse=True)
def own_state() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


class Clock:
    """Feeds lags to an `Overload`, each a step after the last one."""

    def __init__(self, limit: float = 0.1) -> None:
        self.now = 0.0
        self.overload = Overload(limit)

    def lag(self, lag: float, seconds: float) -> list[float]:
        """Lag for so long; returns when the state changed."""
        changes, end = [], self.now + seconds
        while self.now < end:
            self.now += STEP + lag
            if self.overload.record(lag, self.now):
                changes.append(self.now)
        return changes


@pytest.mark.parametrize("lag", [0.11, 0.5, 2.5])
def test_a_loop_that_lags_for_some_seconds_is_overloaded(lag: float) -> None:
    clock = Clock()
    clock.lag(0.001, 20)
    began = clock.now
    (at,) = clock.lag(lag, 30)
    assert clock.overload.is_overloaded
    assert LAG_SECONDS < at - began < 3 * (LAG_SECONDS + lag)


def test_a_single_long_pause_is_no_overload() -> None:
    clock = Clock()
    for _ in range(5):
        assert clock.lag(0.002, 10) == []
        assert clock.lag(5.0, 1) == []
    assert clock.lag(0.002, 10) == []


def test_a_process_without_a_limit_is_never_overloaded() -> None:
    clock = Clock(limit=0.0)
    assert clock.lag(2.5, 60) == []
    assert not clock.overload.is_overloaded


def test_a_lag_below_the_limit_is_no_overload() -> None:
    assert Clock().lag(0.09, 60) == []


def test_it_recovers_after_a_calm_time_and_does_not_flap() -> None:
    clock = Clock()
    clock.lag(0.2, 10)
    assert clock.lag(0.08, 60) == []  # better, but not calm
    for _ in range(5):
        assert clock.lag(0.01, CALM_SECONDS / 2) == []
        assert clock.lag(0.2, 2) == []
    began = clock.now
    (at,) = clock.lag(0.01, 60)
    assert not clock.overload.is_overloaded
    assert CALM_SECONDS < at - began < CALM_SECONDS + 20 * STEP + 1


def test_an_overloaded_process_is_full_and_the_dashboard_says_so() -> None:
    assert not active_calls().is_full
    assert overload_findings() == []
    active_calls().is_overloaded = True
    assert active_calls().is_full
    [finding] = overload_findings()
    assert "takes no further calls" in finding.message


@pytest.mark.django_db(transaction=True)
async def test_an_overloaded_process_sends_calls_to_another_one(
    bot: Bot, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    active_calls().is_overloaded = True
    assert [verb.tag for verb in await ring()] == ["Pause", "Redirect"]
    settings.REDIS_URL = ""  # there is no other process
    assert [verb.tag for verb in await ring()] == ["Say", "Hangup"]


@pytest.mark.django_db(transaction=True)
async def test_a_server_that_lags_keeps_its_calls_and_takes_no_others(
    bot: Bot, inworld: FakeInworld, database_url: str
) -> None:
    own = {"DATABASE_URL": database_url, "INWORLD_BASE_URL": inworld.url}
    own["OVERLOAD_LAG_MS"] = "100"
    async with running(**own) as server, asyncio.timeout(60), dial(server) as call:
        await call.reply()
        await _lag(server)
        async with httpx.AsyncClient() as http:
            metrics = (await http.get(f"{server.url}/metrics")).text
        assert re.search(r"^voicebot_overloaded 1", metrics, re.MULTILINE)
        await call.say("Are you still there?")
        assert [sound.kind for sound in await call.reply()] == ["clip"]


async def _lag(server: LiveServer) -> None:
    """Freeze the process again and again until it says that it is overloaded."""
    while True:
        server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.4)
        server.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.3)
        if "Overloaded: the event loop lags" in server.output:
            return
