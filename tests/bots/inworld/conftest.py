"""A fake Inworld on a free port, and a client of it."""

from collections.abc import AsyncIterator

import pytest

from bots.inworld.client import Inworld
from tests.support.inworld.replies import KEY
from tests.support.inworld.server import FakeInworld


@pytest.fixture
async def fake() -> AsyncIterator[FakeInworld]:
    async with FakeInworld() as fake:
        yield fake


@pytest.fixture
async def inworld(fake: FakeInworld) -> AsyncIterator[Inworld]:
    inworld = Inworld(fake.url, KEY)
    yield inworld
    await inworld.aclose()
