"""Pages end properly whatever their clients do, and leave calls their connections."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib import admin
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.support.services import Missing, Postgres, django_on
from voicebot import console_database
from voicebot.server.concurrency_limit import PAGES, ConcurrencyLimit
from voicebot.server.page_handler import PageHandler

LEFT = 10
pools: dict[str, Any] = vars(DatabaseWrapper)["_connection_pools"]
COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT count(*) FROM n"
)
begun = threading.Semaphore(0)
finish = threading.Event()


def slow(request: HttpRequest) -> HttpResponse:
    """Use the database, wait for another server, use the database again."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
        begun.release()
        finish.wait(30)
        cursor.execute("SELECT 1")
    return HttpResponse("done")


def endless(request: HttpRequest) -> HttpResponse:
    """Run a statement without end."""
    database = connections["default"]
    sql = "SELECT pg_sleep(60)" if database.vendor == "postgresql" else COUNT
    with database.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()
    return HttpResponse("never")


urlpatterns = [
    path("slow", slow),
    path("endless", endless),
    path("admin/", admin.site.urls),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]


class Client:
    """A client of the application, as daphne presents it."""

    def __init__(self, application: Any, address: str) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.queue.put_nowait({"type": "http.request", "body": b""})
        self.sent: list[dict[str, Any]] = []
        self.started = asyncio.Event()
        self.reads: asyncio.Event | None = None
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": address,
            "headers": [],
        }
        scope |= {"query_string": b"", "server": ("bot.example.com", 443)}
        scope |= {"scheme": "https"}
        self.task = asyncio.create_task(
            application(scope, self.queue.get, self.receive)
        )

    async def receive(self, message: dict[str, Any]) -> None:
        """Take a message; a slow reader takes the next one later."""
        self.sent.append(message)
        self.started.set()
        if self.reads:
            await self.reads.wait()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"]) if self.sent else 0

    async def leave(self) -> None:
        """Disconnect; daphne cancels the application ten seconds later."""
        self.queue.put_nowait({"type": "http.disconnect"})
        await asyncio.sleep(0.05)
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@pytest.fixture
def postgres() -> Iterator[Any]:
    """Let pages use a PostgreSQL, with the options of the server."""
    try:
        with Postgres() as postgres, django_on(postgres, "console"):
            yield postgres
    except Missing as missing:
        pytest.skip(str(missing))


async def test_ten_slow_pages_that_are_left_give_their_connections_back(
    postgres: Postgres,
) -> None:
    finish.clear()
    limit = ConcurrencyLimit(PageHandler(), PAGES)
    clients = [Client(limit, "/slow") for _ in range(LEFT)]
    for _ in range(PAGES):
        assert await asyncio.to_thread(begun.acquire, timeout=10)
    await asyncio.gather(*(client.leave() for client in clients))
    waits = Client(limit, "/slow")
    await asyncio.sleep(0.05)
    assert limit.semaphore.locked()  # the work goes on, and keeps its places
    finish.set()
    await waits.task
    assert waits.status == 200
    await asyncio.wait(limit.works or [waits.task])
    pool = pools["console"]
    size = console_database.MAX_CONNECTIONS
    taken = [await asyncio.to_thread(pool.getconn, 5) for _ in range(size)]
    for connection in taken:
        pool.putconn(connection)
    assert limit.semaphore._value == PAGES
    assert begun.acquire(blocking=False)  # the page that waited
    assert not begun.acquire(blocking=False)  # those who left a queue get no page


@pytest.mark.parametrize("database", ["postgres", "sqlite"])
async def test_a_statement_without_end_is_stopped(
    database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console_database, "STATEMENT_SECONDS", 1)
    if database == "postgres":
        await asyncio.to_thread(request.getfixturevalue, "postgres")
    elif connections["default"].vendor != "sqlite":
        pytest.skip("The tests run on PostgreSQL.")
    client = Client(PageHandler(), "/endless")
    async with asyncio.timeout(10):
        await client.task
    assert client.status == 503
    assert b"Choose a shorter period" in client.sent[1]["body"]


async def test_a_slow_reader_keeps_no_place() -> None:
    finish.set()
    limit = ConcurrencyLimit(PageHandler(), 1)
    slow_reader = Client(limit, "/slow")
    slow_reader.reads = asyncio.Event()
    await slow_reader.started.wait()
    other = Client(limit, "/slow")
    await asyncio.wait_for(other.task, 10)
    assert other.status == 200
    assert not slow_reader.task.done()
    slow_reader.reads.set()
    await slow_reader.task
