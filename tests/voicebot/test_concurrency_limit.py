"""Requests of strangers to the console never slow down calls."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.bench.services import set_up
from tests.conftest import INWORLD_PORT
from tests.faults.deployment import ENVIRONMENT
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer, serving
from tests.support.services import Missing, Postgres

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
            set_up(env, early_first_clause=False)
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
