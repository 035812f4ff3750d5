"""Requests of strangers through the proxy cost other callers nothing."""

import asyncio
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bots.models import Bot
from tests.support.inworld.server import FakeInworld
from tests.voicebot.test_deployment import Proxy, shared, two_behind_a_proxy

pytestmark = pytest.mark.django_db(transaction=True)

CLOSE = b"Host: bot.example.com\r\nConnection: close\r\n"
# Each makes a process end the connection, some without an answer.
UNWELCOME = {
    "a header of 17 KB": b"POST /healthz HTTP/1.1\r\n%bX-A: %b\r\n\r\n"
    % (CLOSE, b"x" * 17_000),
    "an address of 17 KB": b"POST /%b HTTP/1.1\r\n%b\r\n" % (b"x" * 17_000, CLOSE),
    "a form of 3.5 MB": b"POST /admin/ HTTP/1.1\r\n%bContent-Length: 3500000\r\n\r\n%b"
    % (CLOSE, b"x" * 3_500_000),
    "a form broken off": b"POST /voice HTTP/1.1\r\n%bContent-Length: 900000\r\n\r\n%b"
    % (CLOSE, b"x" * 200_000),
}


@pytest.fixture
def env(database_url: str, redis_url: str, inworld: FakeInworld) -> dict[str, str]:
    return shared(database_url, redis_url, inworld)


async def test_requests_of_strangers_put_no_process_out_of_service(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    async with two_behind_a_proxy(tmp_path, env) as (first, second, proxy):
        for number, (what, request) in enumerate(UNWELCOME.items()):
            await asyncio.gather(*(sent(proxy, request) for _ in range(4)))
            assert await proxy.ring(f"CA{number}") == (200, ["Connect"]), what
            assert (await proxy.get("/healthz")).status_code == 200, what
        assert all(server.process.poll() is None for server in (first, second))


async def sent(proxy: Proxy, request: bytes) -> None:
    """Send raw bytes and disconnect after the first response byte."""
    address = urlsplit(proxy.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    with suppress(ConnectionError, TimeoutError):
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(1):
            await reader.read(1)
    writer.close()


async def test_a_process_that_died_costs_nobody_an_answer(
    env: dict[str, str], tmp_path: Path, bot: Bot
) -> None:
    async with two_behind_a_proxy(tmp_path, env) as (first, second, proxy):
        first.process.kill()
        first.process.wait()
        rings = (proxy.ring(f"CA{number}") for number in range(20))
        assert await asyncio.gather(*rings) == [(200, ["Connect"])] * 20
        assert second.process.poll() is None
