"""Requests of strangers to the console never slow down calls."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from django.http import HttpResponse

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.bench.services import set_up
from tests.conftest import INWORLD_PORT
from tests.faults.deployment import ENVIRONMENT
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer, serving
from tests.support.services import Missing, Postgres
from voicebot.server.bare_handler import respond
from voicebot.server.concurrency_limit import ConcurrencyLimit, OnePerClient, by_method

HEADERS = {"Host": "bot.example.com", "Referer": f"{PUBLIC_URL}/"}
STRANGERS, ATTEMPTS, CALLS = 40, 2, 2


@pytest.mark.usefixtures("inworld")
@pytest.mark.parametrize("give_up_after", [60.0, 0.5])
async def test_password_guesses_do_not_block_calls(
    deployed: LiveServer, give_up_after: float
) -> None:
    """Nor do clients that disconnect before the answer."""
    server = deployed
    async with strangers(server, give_up_after):
        for _ in range(CALLS):
            line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=server.url, fast=True)
            async with SimulatedCall(line) as call:
                assert call.answered, call.refusal
                assert await call.hears(1)
            async with httpx.AsyncClient(base_url=server.url) as http:
                ready = await http.get("/readyz")
            assert ready.status_code == 200, ready.text


@pytest.fixture(scope="module")
def deployed() -> Iterator[LiveServer]:
    """A server with PostgreSQL and a limited number of connections."""
    try:
        with Postgres() as postgres:
            env = {
                **ENVIRONMENT,
                "DATABASE_URL": postgres.url,
                "INWORLD_BASE_URL": f"http://127.0.0.1:{INWORLD_PORT}",
            }
            set_up(env)
            with serving(**env) as server:
                yield server
    except Missing as missing:
        pytest.skip(str(missing))


@asynccontextmanager
async def strangers(server: LiveServer, give_up_after: float) -> AsyncIterator[None]:
    """Run many clients that guess passwords; wait until they have started."""
    async with httpx.AsyncClient(
        base_url=server.url,
        headers=HEADERS,
        timeout=give_up_after,
        limits=httpx.Limits(max_connections=STRANGERS),
    ) as http:
        page = await http.get("/admin/login/", timeout=60)
        form = {"csrfmiddlewaretoken": re.findall(r'token" value="(\w+)', page.text)[0]}
        form["password"] = "not it"
        cookies = "; ".join(f"{name}={text}" for name, text in page.cookies.items())
        tried = asyncio.Semaphore(0)

        async def guess(stranger: int) -> None:
            for number in range(1000):
                named = {**form, "username": f"{stranger}-{number}"}
                headers = {"Cookie": f"{cookies}; sessionid={'x' * 32}"}
                with suppress(httpx.HTTPError):
                    await http.post("/admin/login/", data=named, headers=headers)
                tried.release()

        guesses = [asyncio.create_task(guess(number)) for number in range(STRANGERS)]
        try:
            for _ in range(ATTEMPTS):
                await tried.acquire()
            yield
        finally:
            for task in guesses:
                task.cancel()
            await asyncio.wait(guesses)


class SignIns:
    """An application whose requests take until they are let go, and its limits."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.gate = asyncio.Event()
        limited = OnePerClient(ConcurrencyLimit(self.sign_in, 1))
        self.application = by_method("POST", limited, self.page)
        self.limited = limited

    async def sign_in(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.append(scope["client"][0])
        await self.gate.wait()
        await respond(HttpResponse(), send)

    async def page(self, scope: Any, receive: Any, send: Any) -> None:
        await respond(HttpResponse(), send)

    async def status(self, client: str, method: str = "POST") -> int:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"method": method, "headers": [], "client": [client, 1]}
        await self.application(scope, None, send)
        return int(sent[0]["status"])


async def test_a_client_has_one_place_in_the_queue_of_sign_ins() -> None:
    """An operator is second in it, behind 140 sign-ins of a stranger."""
    app = SignIns()
    async with asyncio.TaskGroup() as group:
        guesses = [group.create_task(app.status("203.0.113.9")) for _ in range(140)]
        operator = group.create_task(app.status("198.51.100.7"))
        await asyncio.sleep(0)  # all of them begin
        assert await app.status("203.0.113.9", method="GET") == 200
        app.gate.set()
    assert operator.result() == 200
    assert app.running[1] == "198.51.100.7"
    statuses = [guess.result() for guess in guesses]
    assert (statuses.count(200), statuses.count(503)) == (5, 135)
    assert not app.limited.locks


async def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    app = SignIns()
    async with asyncio.TaskGroup() as group:
        same = [group.create_task(app.status(f"2001:db8::{n}")) for n in range(9)]
        other = group.create_task(app.status("2001:db8:1::1"))
        await asyncio.sleep(0)
        app.gate.set()
    assert [task.result() for task in same].count(503) == 4
    assert other.result() == 200
