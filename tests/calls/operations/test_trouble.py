"""Troubles of the server, as the rules for alerts are told them."""

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from bots.models import Bot, PhoneNumber
from calls.clips.clip_store import RedisClips
from calls.operations import trouble
from calls.operations.trouble import QUEUE_NEARLY_FULL, REDIS_AWAY, find_troubles
from calls.session.active_calls import active_calls
from calls.session.services import services
from tests.support.pages.calls import START, make_call, say
from tests.support.process import clear_process_state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_parts(bot: Bot) -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


async def found() -> list[str]:
    return [one.words for one in await find_troubles(services())]


async def test_a_server_without_trouble() -> None:
    assert await found() == []


async def test_redis_is_away() -> None:
    services().clips = RedisClips("redis://127.0.0.1:9/0")
    assert await found() == [REDIS_AWAY]
    await services().clips.aclose()


async def test_transcripts_pile_up_and_the_process_is_overloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trouble, "QUEUE_FULL", 0)
    active_calls().is_overloaded = True
    overload, queue = await found()
    assert overload.startswith("This server is overloaded")
    assert queue == QUEUE_NEARLY_FULL


async def test_a_number_without_a_bot_is_the_same_trouble_each_time(bot: Bot) -> None:
    off = await Bot.objects.acreate(name="Off", is_active=False)
    await PhoneNumber.objects.acreate(number="+15005550006", bot=off)
    (first,), (second,) = (
        await find_troubles(services()),
        await find_troubles(services()),
    )
    assert "has no active bot" in first.words
    assert first.key == second.key
    assert len(first.key) == 32


async def test_inworld_refuses_the_key() -> None:
    def fail() -> Any:
        error = "Inworld answered 401"
        say(make_call(1, started_at=START), "system", "", error=error)

    await sync_to_async(fail)()
    (words,) = await found()
    assert "Inworld refuses INWORLD_API_KEY" in words
