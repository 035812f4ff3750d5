"""Clips in memory and in Redis keep the same promises."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bots.audio.pcm import Pcm
from calls.clips.clip_fetches import FetchListeners
from calls.clips.clip_store import (
    ANSWER_SECONDS,
    HELD_UP_SECONDS,
    ClipStore,
    ClipsUnavailable,
    MemoryClips,
    RedisClips,
)
from calls.clips.signed_ids import new_clip_id
from calls.logs import CallLog
from calls.speech.audio import at_telephone_rate, silence
from calls.speech.clip_muting import ClipMuter
from calls.turns.clip import Clip
from tests.support.live import free_port


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ClipStore]:
    if request.param == "memory":
        clips: ClipStore = MemoryClips(max_bytes=1000)
    else:
        clips = RedisClips(request.getfixturevalue("redis_url"))
    yield clips
    await clips.aclose()


async def test_a_clip_is_there_until_it_is_dropped(store: ClipStore) -> None:
    first, second = new_clip_id(), new_clip_id()
    await store.put(first, b"one", 60)
    await store.put(second, b"two", 60)
    await store.drop([first])
    assert (await store.get(first), await store.get(second)) == (None, b"two")


async def test_a_clip_expires(store: ClipStore) -> None:
    clip_id = new_clip_id()
    await store.put(clip_id, b"one", 0.05)
    async with asyncio.timeout(15):
        while await store.get(clip_id):  # noqa: ASYNC110  (only time can end it)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("steps", range(3, 9))  # some of them end in the wait for Redis
@pytest.mark.parametrize("method", ["put", "finish"])
async def test_a_process_that_stood_still_stores_its_clip(
    redis_url: str, method: str, steps: int
) -> None:
    store, clip_id = RedisClips(redis_url), new_clip_id()
    await store.put(new_clip_id(), b"one", 60)  # connects
    storing = asyncio.create_task(getattr(store, method)(clip_id, b"two", 60))
    for _ in range(steps):
        await asyncio.sleep(0)
    time.sleep(ANSWER_SECONDS + HELD_UP_SECONDS + 0.05)  # noqa: ASYNC251
    await storing
    await store.local.aclose()
    assert await store.get(clip_id) == b"two"
    await store.aclose()


async def test_putting_again_replaces(store: ClipStore) -> None:
    clip_id = new_clip_id()
    await store.put(clip_id, b"speech", 60)
    await store.put(clip_id, b"silence", 60)
    assert await store.get(clip_id) == b"silence"


async def test_a_clip_wanted_again_while_it_is_taken_away_is_heard(
    store: ClipStore,
) -> None:
    muter = ClipMuter(store, CallLog(logging.getLogger(__name__), "CA1"))
    clip = Clip(new_clip_id(), "https://bot.example/audio/1", "Hello.", 1.0)
    await store.put(clip.id, b"hello", 60)
    # Both are asked for before the store has answered the first.
    await asyncio.gather(muter.mute((clip,)), muter.restore(clip))
    assert await store.get(clip.id) == b"hello"


async def test_unknown_ids_are_nothing(store: ClipStore) -> None:
    assert await store.get("../../etc/passwd") is None
    await store.drop(["never-there"])


async def test_memory_makes_room_by_forgetting_the_oldest() -> None:
    clips = MemoryClips(max_bytes=10)
    for name in ("a", "b", "c"):
        await clips.put(name, b"1234", 60)
    assert [await clips.get(name) for name in "abc"] == [None, b"1234", b"1234"]
    with pytest.raises(ClipsUnavailable):
        await clips.put("huge", b"x" * 11, 60)
    await clips.drop(["b", "c"])
    assert clips.size == 0


async def test_a_redis_that_is_away_is_noticed_at_once() -> None:
    clips = RedisClips(f"redis://127.0.0.1:{free_port()}/0")
    for attempt in (clips.get("a"), clips.put("a", b"1", 1), clips.drop(["a"])):
        async with asyncio.timeout(3):
            with pytest.raises(ClipsUnavailable):
                await attempt
    await clips.aclose()


async def test_many_clips_at_once_wait_for_a_connection(redis_url: str) -> None:
    clips = RedisClips(redis_url)
    # A busy machine may take long; without waiting they would fail at once.
    pool: Any = clips.redis.connection_pool
    pool.timeout = 30
    pool.connection_kwargs |= {"socket_timeout": 30, "socket_connect_timeout": 30}
    await asyncio.gather(*(clips.put(str(n), b"x" * 1000, 60) for n in range(300)))
    assert await clips.get("299") == b"x" * 1000
    await clips.aclose()


async def test_clips_in_redis_have_a_time_to_live(redis_url: str) -> None:
    clips = RedisClips(redis_url)
    await clips.put("mortal", b"1", 60)
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter("*mortal")]
        assert 0 < await redis.ttl(keys[0]) <= 60
    await clips.aclose()


def test_ids_carry_more_than_128_bits() -> None:
    ids = {new_clip_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert min(map(len, ids)) * 6 >= 128


@given(
    seconds=st.floats(0.01, 2),
    rate=st.sampled_from([8000, 16_000, 22_050, 24_000, 44_100, 48_000]),
)
def test_resampling_keeps_the_length(seconds: float, rate: int) -> None:
    pcm = silence(seconds, rate)
    assert at_telephone_rate(pcm).seconds == pytest.approx(pcm.seconds, abs=0.001)


def test_resampling_nothing_gives_nothing() -> None:
    assert at_telephone_rate(Pcm(48_000, b"")) == Pcm(8000, b"")


def test_listeners_of_a_shared_clip_are_notified_in_turn_and_once() -> None:
    fetches, notified = FetchListeners(), list[str]()

    def first(clip_id: str, served: bool) -> None:
        notified.append(f"first {clip_id} {served}")

    def second(clip_id: str, served: bool) -> None:
        notified.append(f"second {clip_id} {served}")

    fetches.listen("c", first)
    fetches.listen("c", second)
    fetches.notify("c", served=False)
    fetches.notify("c")
    fetches.listen("a", first)
    fetches.listen("a", second)
    fetches.listen("b", second)
    fetches.notify("a")
    fetches.remove(second)
    for clip_id in ("a", "b", "unknown"):
        fetches.notify(clip_id)
    assert notified == ["first c False", "second c True", "first a True"]
    assert not fetches.listeners
