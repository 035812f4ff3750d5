"""The live feed never delays or fails a call."""

import asyncio
import json
import logging
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from calls.console.live.consumer import MAX_REQUESTED, LiveConsumer
from calls.conversation.events import CallerSpoke
from calls.live_feed.broadcast import QUEUE_LIMIT, VIEWERS, Broadcaster
from calls.live_feed.channel_listener import ChannelListener, Message
from calls.session.session import CallSession
from tests.calls.session.test_session import session as session
from tests.support.live import free_port

MEMORY = "channels.layers.InMemoryChannelLayer"
REDIS = "channels_redis.pubsub.RedisPubSubChannelLayer"


class Viewer:
    """A listener in the group of viewers, and the messages it has received."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.joined = asyncio.Event()
        self.listener = ChannelListener(VIEWERS, self.heard.put_nowait, self._joined)
        self.task = asyncio.create_task(self.listener.run())

    def _joined(self, channel: str) -> None:
        self.joined.set()

    async def next(self) -> Message:
        while True:
            message = await asyncio.wait_for(self.heard.get(), 15)
            if message["type"] != "knock":
                return message

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


@pytest.fixture(params=["memory", "redis"])
def layer(request: pytest.FixtureRequest, settings: Settings) -> Any:
    """Each kind of channel layer."""
    where: dict[str, Any] = {"BACKEND": MEMORY}
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        hosts = [{"address": url, "socket_timeout": None}]
        where = {"BACKEND": REDIS, "CONFIG": {"hosts": hosts}}
    settings.CHANNEL_LAYERS = {"default": where}
    return get_channel_layer()


async def test_updates_that_waited_together_arrive_together_and_in_order(
    layer: Any,
) -> None:
    broadcaster, viewer = Broadcaster(), Viewer()
    await viewer.joined.wait()
    for number in range(120):
        broadcaster.tell_viewers({"call": "CA1", "number": number})
    numbers: list[int] = []
    bundles = 0
    while len(numbers) < 120:
        numbers += [update["number"] for update in (await viewer.next())["updates"]]
        bundles += 1
    assert numbers == list(range(120))
    assert bundles < 10
    await viewer.close()
    await broadcaster.aclose()
    await layer.flush()


class Page(LiveConsumer):
    """A live page's socket without a connection, and its requests to the servers."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: set[str] = set()
        self.asked: list[list[str]] = []

    def _ask(self, kind: str, **what: Any) -> None:
        self.asked.append(what.get("calls", []))


async def test_a_page_hears_all_of_a_call_once_between_two_lists() -> None:
    page = Page()
    for _ in range(3):
        await page.receive(json.dumps({"want": ["CA1", "CA2", "CA1"]}))
    many = [f"CB{number}" for number in range(2 * MAX_REQUESTED)]
    for begin in (0, 50, MAX_REQUESTED):
        await page.receive(json.dumps({"want": many[begin:]}))
    assert page.asked[0] == ["CA1", "CA2"]
    assert sum(map(len, page.asked)) == MAX_REQUESTED
    page._joined("elsewhere")
    await page.receive(json.dumps({"want": ["CA1"]}))
    assert page.asked[-1] == ["CA1"]


async def test_a_listener_that_leaves_leaves_nothing_behind(layer: Any) -> None:
    viewer = Viewer()
    await viewer.joined.wait()
    await viewer.close()
    inner = layer._get_layer() if hasattr(layer, "_get_layer") else layer
    assert not inner.channels
    assert not any(inner.groups.values())
    await layer.flush()


async def test_a_message_that_cannot_be_taken_does_not_end_the_listening(
    layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    taken: asyncio.Queue[Message] = asyncio.Queue()

    def take(message: Message) -> None:
        taken.put_nowait(message)
        raise KeyError("type")

    viewer = Viewer()
    viewer.listener.take = take
    await viewer.joined.wait()
    for _ in range(2):
        await layer.group_send(VIEWERS, {"type": "odd"})
        while (await asyncio.wait_for(taken.get(), 15))["type"] != "odd":
            pass
    assert "was not handled" in caplog.text
    await viewer.close()
    await layer.flush()


async def test_a_full_queue_drops_updates_and_nobody_waits() -> None:
    broadcaster = Broadcaster()
    for number in range(QUEUE_LIMIT + 500):  # nothing is sent while this runs
        broadcaster.tell_viewers({"call": "CA1", "number": number})
    assert broadcaster.queue.qsize() == QUEUE_LIMIT
    await broadcaster.aclose()


async def test_a_layer_that_is_away_is_named_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hosts = [{"address": f"redis://127.0.0.1:{free_port()}/0"}]
    unreachable = {"BACKEND": REDIS, "CONFIG": {"hosts": hosts}}
    settings.CHANNEL_LAYERS = {"default": unreachable}
    viewer = Viewer()
    async with asyncio.timeout(15):
        while "is not available" not in caplog.text:  # noqa: ASYNC110  (a log has no event)
            await asyncio.sleep(0.01)
    viewer.listener.layer_log.failed(ConnectionError())
    assert caplog.text.count("is not available") == 1
    await viewer.close()
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": MEMORY}}
    viewer.task = asyncio.create_task(viewer.listener.run())
    await asyncio.wait_for(viewer.joined.wait(), 15)
    assert caplog.text.count("The live view is back") == 1
    await viewer.close()


async def test_a_call_that_nobody_watches_sends_nothing(session: CallSession) -> None:
    await session.handle(CallerSpoke("Hal", final=False))
    assert session.services.broadcaster.task is None
    session.services.broadcaster.renew_viewer()
    await session.handle(CallerSpoke("Hallo", final=False))
    (_, _, update) = session.services.broadcaster.queue.get_nowait()
    assert update["state"]["partial"] == "Hallo"
    await session.services.broadcaster.aclose()
    await session.services.inworld.aclose()


async def test_a_mistake_in_the_view_costs_the_call_nothing(
    session: CallSession,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise ValueError("not to be shown")

    session.services.broadcaster.renew_viewer()
    monkeypatch.setattr(session.call_snapshot, "state_update", fail)
    await session.handle(CallerSpoke("Hal", final=False))
    assert "An update for viewers failed" in caplog.text
    await session.services.inworld.aclose()
