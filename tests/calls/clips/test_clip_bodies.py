"""Bodies that grow, in memory and in Redis: read from the beginning, by anybody."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as RedisClient

from calls.clips import clip_bodies
from calls.clips.clip_bodies import BodyLost, ClipBodies, body_key
from calls.clips.clip_store import (
    ClipStore,
    ClipsUnavailable,
    MemoryClips,
    RedisClips,
)
from calls.clips.signed_ids import new_clip_id
from tests.support.live import free_port
from tests.support.services import Redis


@pytest.fixture(params=["memory", "redis", "other process"])
async def stores(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[ClipStore, ClipStore]]:
    """The store that writes, and the one that reads."""
    if request.param == "memory":
        writer: ClipStore = MemoryClips(max_bytes=1000)
    else:
        writer = RedisClips(request.getfixturevalue("redis_url"))
    reader = writer
    if request.param == "other process":
        reader = RedisClips(request.getfixturevalue("redis_url"))
    yield writer, reader
    await writer.aclose()
    await reader.aclose()


async def whole(bodies: ClipBodies, clip_id: str) -> bytes:
    pieces = await bodies.read(clip_id)
    assert pieces is not None
    return b"".join([piece async for piece in pieces])


async def begun(writer: ClipBodies) -> str:
    """Begin a body with some sound."""
    clip_id = new_clip_id()
    await writer.begin(clip_id, 60)
    await writer.append(clip_id, b"one")
    return clip_id


def stand_still(seconds: float) -> None:
    """Hold this process up, as a machine under load does."""
    time.sleep(seconds)


async def test_a_reader_follows_the_writer(
    stores: tuple[ClipStore, ClipStore],
) -> None:
    writer, reader, clip_id = stores[0].bodies, stores[1].bodies, new_clip_id()
    await writer.begin(clip_id, 60)
    pieces = await reader.read(clip_id)
    assert pieces is not None
    for sound in (b"one", b"two", b"three"):
        await writer.append(clip_id, sound)
        assert await anext(pieces) == sound  # before anything more is written
    await stores[0].finish(clip_id, b"whole", 60)
    assert [piece async for piece in pieces] == []


async def test_all_readers_get_all_whenever_they_come(
    stores: tuple[ClipStore, ClipStore],
) -> None:
    writer, reader, clip_id = stores[0].bodies, stores[1].bodies, new_clip_id()
    await writer.begin(clip_id, 60)
    early = asyncio.create_task(whole(reader, clip_id))
    await writer.append(clip_id, b"one")
    late = asyncio.create_task(whole(reader, clip_id))
    await asyncio.sleep(0)  # both have begun
    await writer.append(clip_id, b"")  # a sign of life is no sound
    await writer.append(clip_id, b"two")
    await asyncio.sleep(0)
    await stores[0].finish(clip_id, b"whole", 60)
    assert await early == await late == b"onetwo"


async def test_there_is_no_body_that_was_not_begun(
    stores: tuple[ClipStore, ClipStore],
) -> None:
    assert await stores[1].bodies.read(new_clip_id()) is None
    with pytest.raises(BodyLost):
        await stores[0].bodies.append(new_clip_id(), b"one")


async def test_a_body_ends_if_its_writer_shows_no_sign_of_life(
    stores: tuple[ClipStore, ClipStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_bodies, "SILENT_SECONDS", 0.05)
    writer, reader = stores[0].bodies, stores[1].bodies
    clip_id = await begun(writer)
    async with asyncio.timeout(15):
        assert await whole(reader, clip_id) == b"one"


async def test_a_reader_goes_on_after_its_process_stood_still(
    stores: tuple[ClipStore, ClipStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_bodies, "SILENT_SECONDS", 0.05)
    writer, reader = stores[0].bodies, stores[1].bodies
    clip_id = await begun(writer)
    pieces = await reader.read(clip_id)
    assert pieces is not None
    assert await anext(pieces) == b"one"
    rest = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)  # it waits
    stand_still(0.05 + clip_bodies.HELD_UP_SECONDS + clip_bodies.ANSWER_SECONDS + 0.1)
    await writer.append(clip_id, b"two")
    assert await rest == b"two"


async def test_a_body_ends_when_it_is_dropped(
    stores: tuple[ClipStore, ClipStore],
) -> None:
    writer, reader = stores[0].bodies, stores[1].bodies
    clip_id = await begun(writer)
    await stores[0].drop([clip_id])
    assert await reader.read(clip_id) is None
    with pytest.raises(BodyLost):
        await writer.append(clip_id, b"two")


async def test_without_redis_a_body_cannot_be_begun_or_read() -> None:
    store = RedisClips(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(BodyLost):
        await store.bodies.begin(new_clip_id(), 60)
    with pytest.raises(BodyLost):
        await store.bodies.append(new_clip_id(), b"one")
    with pytest.raises(BodyLost):
        await store.bodies.read(new_clip_id())
    with pytest.raises(ClipsUnavailable):
        await store.finish(new_clip_id(), b"whole", 60)
    await store.aclose()


async def test_redis_that_goes_away_hides_no_body_of_this_process() -> None:
    with Redis() as server:
        store, clip_id = RedisClips(server.url), new_clip_id()
        await store.bodies.begin(clip_id, 60)
        await asyncio.to_thread(server.stop)
        assert await store.get(clip_id) is None  # not complete, and not lost
        pieces = await store.bodies.read(clip_id)
        assert pieces
        with pytest.raises(ClipsUnavailable):
            await store.finish(clip_id, b"all of it", 60)
        assert [piece async for piece in pieces] == []
        assert await store.get(clip_id) == b"all of it"
        with pytest.raises(ClipsUnavailable):
            await store.get(new_clip_id())
        await store.aclose()


async def test_redis_forgets_a_body_whose_process_is_gone(redis_url: str) -> None:
    store = RedisClips(redis_url)
    clip_id = await begun(store.bodies)
    redis = RedisClient.from_url(redis_url)
    assert 0 < await redis.pttl(body_key(clip_id)) <= 60_000
    await store.finish(clip_id, b"one", 60)
    limit = clip_bodies.ENDED_SECONDS * 1000
    assert 0 < await redis.pttl(body_key(clip_id)) <= limit
    await redis.aclose()
    await store.aclose()
