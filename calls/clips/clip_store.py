"""Short-lived WAV clips under unguessable ids: in Redis, or in this process.

A clip that still grows is in the store's `bodies`, and here once it is complete.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from calls import metrics
from calls.clips.clip_bodies import (
    ClipBodies,
    MemoryBodies,
    RedisBodies,
    body_key,
    end_body,
    milliseconds,
    was_held_up,
)
from calls.public_urls import public_url

# For this long, the process that made a clip can serve it without Redis.
LOCAL_COPY_SECONDS = 30.0
LOCAL_COPIES_BYTES = 32_000_000
# How long Redis may take to answer. A wait that took so much longer was held up itself.
ANSWER_SECONDS, HELD_UP_SECONDS = 0.3, 0.05
# How often expired clips are removed. At every new clip it would cost an eighth of the
# CPU time of a call.
SWEEP_SECONDS = 1.0


class ClipsUnavailable(Exception):
    """The store cannot save or load a clip now."""


def clip_url(clip_id: str) -> str:
    """The address at which Twilio fetches a clip."""
    return public_url(f"/audio/{clip_id}")


class ClipStore(Protocol):
    """Holds clips for Twilio; every method raises `ClipsUnavailable`."""

    @property
    def bodies(self) -> ClipBodies:
        """The bodies of the clips that still grow."""

    async def put(self, clip_id: str, wav: bytes, seconds: float) -> None:
        """Store `wav` for `seconds` from now; replaces an earlier clip of that id."""

    async def finish(self, clip_id: str, wav: bytes, seconds: float) -> None:
        """Store a clip that has a body as `put` does, and end the body."""

    async def get(self, clip_id: str) -> bytes | None:
        """The WAV; None if it is unknown or has expired."""

    async def drop(self, clip_ids: list[str]) -> None:
        """Remove clips at once."""

    async def aclose(self) -> None:
        """Release connections."""


class MemoryClips:
    """Clips of a single process; above `max_bytes` the oldest are removed."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size = 0
        self.swept_at = 0.0
        self.clips: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self.bodies = MemoryBodies()

    async def put(self, clip_id: str, wav: bytes, seconds: float) -> None:
        if len(wav) > self.max_bytes:
            raise ClipsUnavailable(f"A clip of {len(wav)} bytes exceeds the store.")
        self._remove(clip_id)
        self._expire()
        while self.size + len(wav) > self.max_bytes:
            self._remove(next(iter(self.clips)))
        self.clips[clip_id] = (wav, monotonic() + seconds)
        self.size += len(wav)

    async def finish(self, clip_id: str, wav: bytes, seconds: float) -> None:
        try:
            await self.put(clip_id, wav, seconds)
        finally:
            await self.bodies.end(clip_id)

    async def get(self, clip_id: str) -> bytes | None:
        wav, expires_at = self.clips.get(clip_id, (b"", 0.0))
        return wav if expires_at > monotonic() else None

    async def drop(self, clip_ids: list[str]) -> None:
        for clip_id in clip_ids:
            self._remove(clip_id)
            await self.bodies.end(clip_id)

    async def aclose(self) -> None:
        await self.bodies.aclose()
        self.clips.clear()
        self.size = 0

    def _remove(self, clip_id: str) -> None:
        wav, _ = self.clips.pop(clip_id, (b"", 0.0))
        self.size -= len(wav)

    def _expire(self) -> None:
        now = monotonic()
        if now < self.swept_at + SWEEP_SECONDS:
            return
        self.swept_at = now
        for clip_id in [key for key, (_, end) in self.clips.items() if end <= now]:
            self._remove(clip_id)


class RedisClips:
    """Clips that any process with the same Redis can serve.

    Each process keeps copies of its own latest clips, and serves them without Redis.
    Clips that were sent to Twilio just before Redis went away are still heard.
    """

    def __init__(self, url: str) -> None:
        # A call must notice within half a second that Redis is gone, so no retries.
        # When all connections are busy, wait for one instead of failing at once.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=50,
            timeout=0.5,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=0.3,
            retry=Retry(NoBackoff(), 0),
        )
        self.redis = Redis.from_pool(pool)
        self.local = MemoryClips(LOCAL_COPIES_BYTES)
        self.bodies = RedisBodies(url, self.redis, self.local.bodies)

    async def put(self, clip_id: str, wav: bytes, seconds: float) -> None:
        with suppress(ClipsUnavailable):
            await self.local.put(clip_id, wav, min(seconds, LOCAL_COPY_SECONDS))
        key, lifetime = _key(clip_id), milliseconds(seconds)
        await self._write(lambda: self.redis.set(key, wav, px=lifetime))

    async def finish(self, clip_id: str, wav: bytes, seconds: float) -> None:
        with suppress(ClipsUnavailable):
            await self.local.finish(clip_id, wav, min(seconds, LOCAL_COPY_SECONDS))
        await self._write(lambda: self._store_whole(clip_id, wav, seconds))

    async def _store_whole(self, clip_id: str, wav: bytes, seconds: float) -> None:
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_key(clip_id), wav, px=milliseconds(seconds))
            end_body(pipeline, clip_id)
            await pipeline.execute()

    async def _write(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write something that may be written twice. Raises `ClipsUnavailable`."""
        since = monotonic()
        try:
            try:
                await write()
            except RedisTimeout:
                if not was_held_up(since, ANSWER_SECONDS, by=HELD_UP_SECONDS):
                    raise
                await write()
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def get(self, clip_id: str) -> bytes | None:
        if wav := await self.local.get(clip_id):
            return wav
        if await self.local.bodies.read(clip_id):
            return None  # it is not complete; this process makes it
        try:
            return await self._get(clip_id)
        except (RedisError, OSError):
            # If this process was busy for half a second, it looks as if Redis does not
            # answer. Try again: a clip that is not served is a sentence not heard.
            try:
                return await self._get(clip_id)
            except (RedisError, OSError) as error:
                raise _unavailable(error) from error

    async def _get(self, clip_id: str) -> bytes | None:
        wav = await self.redis.get(_key(clip_id))
        return wav if isinstance(wav, bytes) else None

    async def drop(self, clip_ids: list[str]) -> None:
        if not clip_ids:
            return
        await self.local.drop(clip_ids)
        try:
            await self.redis.unlink(*map(_key, clip_ids), *map(body_key, clip_ids))
        except (RedisError, OSError) as error:
            raise _unavailable(error) from error

    async def aclose(self) -> None:
        await self.bodies.aclose()
        await self.redis.aclose()


def _unavailable(error: Exception) -> ClipsUnavailable:
    metrics.count_dependency_error("redis")
    return ClipsUnavailable(str(error))


def _key(clip_id: str) -> str:
    return f"voicebot:clip:{clip_id}"
