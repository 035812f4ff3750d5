"""A post-call worker and a receiver of webhooks."""

from collections.abc import AsyncIterator

import pytest
from django.conf import LazySettings

from bots.inworld.client import Inworld
from calls.post_call.worker import PostCallWorker
from tests.support.inworld.server import FakeInworld
from tests.support.receiver import Receiver, receiving


@pytest.fixture
async def receiver(settings: LazySettings) -> AsyncIterator[Receiver]:
    async with receiving() as running:
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
        yield running


@pytest.fixture
async def worker(inworld: FakeInworld) -> AsyncIterator[PostCallWorker]:
    client = Inworld(inworld.url, "key")
    poller = PostCallWorker(client)
    yield poller
    await poller.aclose()
    await client.aclose()
