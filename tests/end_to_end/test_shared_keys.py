"""Calls whose requests Twilio signs with a shared key instead of the auth token."""

import asyncio
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from bots.models import Bot
from calls.diagnostics.findings import Finding
from calls.diagnostics.probes import probe_server
from calls.simulator.line import CallFailed
from tests.end_to_end.test_live import closed, dial
from tests.support.inworld.server import FakeInworld
from tests.support.live import SHARED_KEY, LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_is_answered_whose_requests_a_shared_key_signs(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server, shared_key=SHARED_KEY) as call:
        await call.reply()
    assert (await closed(call.call_sid)).end_reason == "caller-hung-up"


async def test_an_unknown_shared_key_is_refused_and_the_doctor_says_what_to_do(
    server: LiveServer, settings: Settings, bot: Bot
) -> None:
    settings.PORT = urlsplit(server.url).port
    assert [found.name for found in await doctor()] == ["Server"]
    written = len(server.output)
    with pytest.raises(CallFailed, match="403"):
        async with dial(server, shared_key=("key_of_nobody", SHARED_KEY[1])):
            pass
    await server.logs("which TWILIO_SHARED_KEYS does not have", written)
    _, finding = await doctor()
    assert finding.level == "warning"
    assert "the shared key key_of_nobody" in finding.text


async def doctor() -> list[Finding]:
    return await asyncio.to_thread(lambda: list(probe_server()))
