"""The voicebot that simulated calls are made to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.calls.simulator.small_voicebot import Bot


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    bot, ready = Bot(), asyncio.Event()
    running = asyncio.create_task(bot.run(ready))
    await ready.wait()
    yield bot
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
