"""Connections to Inworld: reused, replaced, closed."""

import asyncio
import random
from collections.abc import AsyncIterator
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
import trustme

from bots.inworld.client import Inworld
from bots.inworld.errors import InworldError, InworldUnavailable
from bots.inworld.events import Done
from bots.tls import trusted_certificates
from tests.support.inworld.replies import KEY, VOICING, asking, replied, words
from tests.support.inworld.server import ROLE, FakeInworld, Pause, speech

AUTHORITY = trustme.CA()


async def test_one_connection_serves_one_request_after_another(
    fake: FakeInworld, inworld: Inworld
) -> None:
    await inworld.preconnect()
    await replied(inworld)
    async with inworld.reply(asking()) as reply:
        async for heard in reply:
            if heard == Done():
                break  # the caller of `reply` need not read past Done
    await inworld.speak(VOICING)
    await replied(inworld)
    assert {request.connection for request in fake.requests} == {1}


async def test_closing_ends_streams(fake: FakeInworld, inworld: Inworld) -> None:
    fake.answers([ROLE, Pause()])
    fake.answers([ROLE, Pause()])
    turns = [asyncio.create_task(replied(inworld)) for _ in range(2)]
    await fake.request(2)
    await inworld.aclose()
    results = await asyncio.gather(*turns, return_exceptions=True)
    assert all(isinstance(result, InworldError) for result in results)
    await fake.quiet()


async def test_many_interruptions_cost_no_connection(fake: FakeInworld) -> None:
    inworld = Inworld(fake.url, KEY)
    fake.reply_with = lambda body: [ROLE, *speech("Sure.", seconds=0.02), Pause()]
    chance = random.Random(8)

    async def interrupted() -> None:
        async with inworld.reply(asking()) as reply:
            for _ in range(chance.randrange(4)):
                await anext(reply)

    for _ in range(50):
        turns = [asyncio.create_task(interrupted()) for _ in range(4)]
        turns[0].cancel()
        await asyncio.wait(turns)
    fake.reply_with = None
    replies = await asyncio.gather(*(replied(inworld) for _ in range(20)))
    assert [words(reply) for reply in replies] == ["You said: Hi."] * 20
    await inworld.aclose()


async def test_a_restarted_server_is_found_again() -> None:
    async with FakeInworld() as fake:
        inworld = Inworld(fake.url, KEY)
        await replied(inworld)
    async with FakeInworld(fake.port):
        assert words(await replied(inworld)) == "You said: Hi."
    await inworld.aclose()


@pytest.fixture
async def encrypted() -> AsyncIterator[FakeInworld]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    async with FakeInworld(tls=context) as fake:
        yield fake


async def test_a_reply_over_tls(
    encrypted: FakeInworld, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted_certificates.cache_clear()
    with AUTHORITY.cert_pem.tempfile() as trusted:
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        inworld = Inworld(encrypted.url, KEY)
        trusted_certificates.cache_clear()
        assert words(await replied(inworld)) == "You said: Hi."
        await inworld.speak(VOICING)
    assert {request.connection for request in encrypted.requests} == {1}
    await inworld.aclose()


async def test_a_certificate_of_somebody_else_is_refused(
    encrypted: FakeInworld,
) -> None:
    inworld = Inworld(encrypted.url, KEY)
    with pytest.raises(InworldUnavailable, match="certificate"):
        await replied(inworld)
    await inworld.aclose()
