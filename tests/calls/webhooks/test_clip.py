"""Downloads of clips: the call learns of them, wherever they are served."""

import asyncio
from typing import Any

import pytest
from django.test import RequestFactory

from bots.inworld.client import Inworld
from calls.clips.clip_fetches import FetchListeners
from calls.clips.clip_store import MemoryClips
from calls.clips.signed_ids import new_clip_id, phrase_id
from calls.live_feed.broadcast import Broadcaster
from calls.session.active_calls import ActiveCalls
from calls.session.operator_controls import OperatorControls
from calls.session.services import Services
from calls.turns.clip_ids import REPORTED_SUFFIX
from calls.webhooks import clip
from tests.calls.live_feed.test_broadcast import layer as layer


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services of the process that serves clips; no call runs there."""
    services = Services(Inworld("http://127.0.0.1:9", "key"), MemoryClips(1_000_000))
    monkeypatch.setattr(clip, "services", lambda: services)
    return services


async def get(clip_id: str, method: str = "get") -> int:
    request = getattr(RequestFactory(), method)(f"/audio/{clip_id}")
    return (await clip.audio(request, clip_id=clip_id)).status_code


async def test_downloads_that_matter_reach_the_process_of_their_call(
    layer: Any, serving: Services
) -> None:
    """Consent messages that were heard, and any clip that was not."""
    fetches, reports = FetchListeners(), asyncio.Queue[tuple[str, bool]]()
    joined = asyncio.Event()
    controls = OperatorControls(ActiveCalls(), Broadcaster(), fetches)
    controls.listener.joined = lambda channel: joined.set()
    controls.start()
    await asyncio.wait_for(joined.wait(), 5)
    other, consent, phrase, gone = "other", "a", phrase_id(b"Hello."), new_clip_id()
    consent += REPORTED_SUFFIX
    for clip_id in (other, consent):
        await serving.clips.put(clip_id, b"sound", 60)
    try:
        for clip_id in (other, phrase, consent, gone):
            fetches.listen(clip_id, lambda *report: reports.put_nowait(report))
            assert await get(clip_id) == 200
        # Other downloads are not worth a message: there are many.
        seen = [await asyncio.wait_for(reports.get(), 5) for _ in range(2)]
        assert seen == [(consent, True), (gone, False)]
        assert reports.empty()
    finally:
        await controls.aclose()
        await serving.aclose()


async def test_only_a_download_counts(serving: Services) -> None:
    clip_id, fetched = "a" + REPORTED_SUFFIX, list[str]()
    await serving.clips.put(clip_id, b"sound", 60)
    serving.fetches.listen(clip_id, lambda clip_id, served: fetched.append(clip_id))
    assert await get(clip_id, "head") == 200
    assert await get("unknown" + REPORTED_SUFFIX) == 404
    assert fetched == []
    assert await get(clip_id) == 200
    assert fetched == [clip_id]
    assert serving.broadcaster.task is None  # no other process need know
    await serving.aclose()


async def test_silence_is_reported_as_no_clip(serving: Services) -> None:
    clip_id, seen = new_clip_id() + REPORTED_SUFFIX, list[tuple[str, bool]]()
    serving.fetches.listen(clip_id, lambda *report: seen.append(report))
    assert await get(clip_id) == 200
    assert seen == [(clip_id, False)]
    await serving.aclose()
