"""Health and readiness of a process, as health checkers and proxies request them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Event
from typing import Any

import httpx
import pytest
from django.db import connection, connections
from pytest_django import Settings

from bots.models import Bot
from calls.operations import health, trouble
from calls.operations.health import (
    DATABASE_TIMEOUT,
    DRAINING,
    DatabaseProbe,
)
from calls.operations.trouble import QUEUE_NEARLY_FULL
from calls.session.active_calls import active_calls
from calls.session.services import services
from tests.support.live import LiveServer
from tests.support.process import clear_process_state
from voicebot.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "database_probe", DatabaseProbe())
    clear_process_state()
    yield
    clear_process_state()


async def ask(path: str, method: str = "GET") -> httpx.Response:
    """Send a request as a health checker does: to an IP address."""
    app: Any = application
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://10.1.2.3:3000"
    ) as http:
        return await http.request(method, path)


def probe_result() -> "Future[str]":
    result = health.database_probe.result
    assert result
    return result


async def reasons() -> list[str]:
    response = await ask("/readyz")
    unready: list[str] = response.json()["reasons"]
    assert response.status_code == (503 if unready else 200)
    assert response.json()["ready"] is not bool(unready)
    return unready


async def test_a_process_is_alive_under_any_name_without_asking_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.databases["default"], "NAME", "/nowhere/at/all")
    response = await ask("/healthz")
    assert (response.status_code, response.json()) == (200, {"alive": True})
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


async def test_only_reading_is_allowed() -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await ask(path, "POST")).status_code == 405
        assert (await ask(f"{path}x")).status_code == 404


async def test_a_process_with_a_database_is_ready(bot: Bot) -> None:
    assert await reasons() == []


async def test_a_real_server_is_alive_and_ready(server: LiveServer) -> None:
    async with httpx.AsyncClient(headers={"Host": "10.1.2.3"}) as http:
        for path in ("/healthz", "/readyz"):
            assert (await http.get(server.url + path)).status_code == 200
            assert (await http.head(server.url + path)).content == b""


async def test_a_process_that_drains_is_alive_but_not_ready() -> None:
    active_calls().draining = True
    assert await reasons() == [DRAINING]
    assert (await ask("/healthz")).status_code == 200


async def test_a_process_about_to_lose_transcripts_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trouble, "QUEUE_FULL", 1)
    services().transcripts.queue.put_nowait(None)  # type: ignore[arg-type]
    assert await reasons() == [QUEUE_NEARLY_FULL]


async def test_a_full_process_stays_ready_since_it_says_so_to_callers_itself(
    settings: Settings,
) -> None:
    settings.MAX_CALLS = 0
    assert active_calls().is_full
    assert await reasons() == []


async def test_without_redis_a_process_stays_ready(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert await reasons() == []


async def test_without_a_database_a_process_is_not_ready_and_recovers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's pool keeps its address")
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setitem(connections.databases["default"], "NAME", "/nowhere/at/all")
        assert await reasons() == ["The database cannot be used (OperationalError)."]
    assert await reasons() == []


async def test_a_database_that_does_not_answer_is_probed_once_and_reported_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probes: list[int] = []
    frozen = Event()

    def probe() -> str:
        probes.append(1)
        frozen.wait(60)
        return ""

    monkeypatch.setattr(health, "_probe", probe)
    monkeypatch.setattr(health, "DATABASE_SECONDS", 0.1)
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    try:
        async with asyncio.timeout(15):
            asked = [reasons() for _ in range(20)]
            assert await asyncio.gather(*asked) == [[DATABASE_TIMEOUT]] * 20
            assert await reasons() == [DATABASE_TIMEOUT]
        assert len(probes) == 1
    finally:
        frozen.set()
    assert await asyncio.wrap_future(probe_result()) == ""
    assert await reasons() == []


async def test_many_requests_at_once_cost_one_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probes: list[int] = []

    def probe() -> str:
        probes.append(1)
        return ""

    monkeypatch.setattr(health, "_probe", probe)
    monkeypatch.setattr(health, "CACHE_SECONDS", 60.0)
    for _ in range(3):
        await asyncio.gather(*(reasons() for _ in range(20)))
    assert len(probes) == 1
