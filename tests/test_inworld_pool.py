"""Connections to Inworld: reused, replaced, closed."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator

import httpx
import pytest

from bots.inworld import pool
from bots.inworld.client import Inworld
from bots.inworld.errors import (
    InworldError,
)
from bots.inworld.events import Done
from tests.fake_inworld import (
    DONE,
    ROLE,
    FakeInworld,
    Pause,
    content,
    speech,
)
from tests.inworld_replies import KEY, VOICING, asking, replied, words


@pytest.fixture
async def fake() -> AsyncIterator[FakeInworld]:
    async with FakeInworld() as fake:
        yield fake


@pytest.fixture
async def inworld(fake: FakeInworld) -> AsyncIterator[Inworld]:
    inworld = Inworld(fake.url, KEY)
    yield inworld
    await inworld.aclose()


async def test_one_connection_serves_one_request_after_another(
    fake: FakeInworld, inworld: Inworld
) -> None:
    await inworld.warm()
    await replied(inworld)
    async with inworld.reply(asking()) as reply:
        async for heard in reply:
            if heard == Done():
                break  # the caller of `reply` need not read past Done
    await inworld.speak(VOICING)
    await replied(inworld)
    assert {request.connection for request in fake.requests} == {1}


def test_connections_stay_open_between_turns() -> None:
    assert pool.LIMITS.keepalive_expiry == 120
    assert pool.LIMITS.max_connections == 400


@pytest.fixture
async def narrow(fake: FakeInworld) -> AsyncIterator[Inworld]:
    limits = httpx.Limits(max_connections=1, keepalive_expiry=60)
    timeout = httpx.Timeout(connect=1, read=2, write=1, pool=0.05)
    inworld = Inworld(fake.url, KEY, limits=limits, timeout=timeout)
    yield inworld
    await inworld.aclose()


async def test_a_full_pool_is_replaced_and_its_streams_go_on(
    fake: FakeInworld, narrow: Inworld, caplog: pytest.LogCaptureFixture
) -> None:
    fake.answers([content("One"), Pause(), content(" two"), DONE])
    async with narrow.reply(asking()) as reply:
        await fake.request()
        assert words(await replied(narrow)) == "You said: Hi."
        assert words(await replied(narrow)) == "You said: Hi."
        fake.resume()
        assert words([heard async for heard in reply]) == "One two"
    levels = [(record.levelno, record.name) for record in caplog.records]
    assert levels.count((logging.WARNING, "bots.inworld.pool")) == 1
    assert [request.connection for request in fake.requests] == [1, 2, 2]


async def test_requests_that_find_the_pool_full_together_share_the_new_one(
    fake: FakeInworld, narrow: Inworld
) -> None:
    fake.answers([ROLE, Pause()])
    async with narrow.reply(asking()):
        await fake.request()
        replies = await asyncio.gather(*(replied(narrow) for _ in range(3)))
    assert [words(reply) for reply in replies] == ["You said: Hi."] * 3
    assert {request.connection for request in fake.requests} == {1, 2}


async def test_closing_ends_streams_of_both_pools(
    fake: FakeInworld, narrow: Inworld
) -> None:
    fake.answers([ROLE, Pause()])
    fake.answers([ROLE, Pause()])
    turns = [asyncio.create_task(replied(narrow)) for _ in range(2)]
    await fake.request(2)
    await narrow.aclose()
    results = await asyncio.gather(*turns, return_exceptions=True)
    assert all(isinstance(result, InworldError) for result in results)
    await fake.quiet()


async def test_many_interruptions_cost_no_connection(fake: FakeInworld) -> None:
    limits = httpx.Limits(max_connections=8)
    inworld = Inworld(fake.url, KEY, limits=limits)
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
