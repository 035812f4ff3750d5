"""Bodies of clips that still grow: one process writes them, any process reads them.

A reader gets all of a body from its beginning, whenever it comes. The writer appends
something at least every BEAT_SECONDS, perhaps no sound; if nothing comes for longer,
its process is gone, and the body ends.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from calls import metrics

# How often a writer that has no sound shows that it is alive.
BEAT_SECONDS = 0.3
# How long a reader waits for the next sound or beat.
SILENT_SECONDS = 1.0
# How much later Redis may answer that reader (s).
ANSWER_SECONDS = 0.5
# A wait that took so much longer was held up itself, with all of its process (s).
HELD_UP_SECONDS = 0.25
# Readers at the same time that need Redis, each with a connection of its own.
MAX_READERS = 500
# How long a body can still be read in Redis after its end, when the clip is whole.
ENDED_SECONDS = 10.0
# What an entry of a Redis stream holds.
SOUND, END = b"sound", b"end"

Pieces = AsyncIterator[bytes]


class BodyLost(Exception):
    """The store cannot take or give a body now, or has lost it."""


class ClipBodies(Protocol):
    """The methods raise `BodyLost`."""

    async def begin(self, clip_id: str, seconds: float) -> None:
        """Begin an empty body that is kept for `seconds`."""

    async def append(self, clip_id: str, sound: bytes) -> None:
        """Add to the end; without sound, it is a sign of life."""

    async def read(self, clip_id: str) -> Pieces | None:
        """The pieces of a body, as they come; None if there is no such body."""

    async def aclose(self) -> None:
        """Release connections."""


@dataclass(slots=True)
class _Body:
    """A body in memory; `changed` is set once, by the next change."""

    expires_at: float
    pieces: list[bytes] = field(default_factory=list)
    has_ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell_readers(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryBodies:
    """Bodies that this process writes and reads."""

    def __init__(self) -> None:
        self.bodies: dict[str, _Body] = {}

    async def begin(self, clip_id: str, seconds: float) -> None:
        now = monotonic()
        expired = [key for key, body in self.bodies.items() if body.expires_at <= now]
        for key in expired:
            del self.bodies[key]
        self.bodies[clip_id] = _Body(now + seconds)

    async def append(self, clip_id: str, sound: bytes) -> None:
        body = self.bodies.get(clip_id)
        if body is None:
            raise BodyLost("The clip has expired.")
        body.pieces.append(sound)
        body.tell_readers()

    async def end(self, clip_id: str) -> None:
        """End a body; readers that are still at it get the rest."""
        if body := self.bodies.pop(clip_id, None):
            body.has_ended = True
            body.tell_readers()

    async def read(self, clip_id: str) -> Pieces | None:
        body = self.bodies.get(clip_id)
        return None if body is None else _pieces(body)

    async def aclose(self) -> None:
        for clip_id in list(self.bodies):
            await self.end(clip_id)


async def _pieces(body: _Body) -> Pieces:
    place = 0
    while True:
        changed = body.changed
        while place < len(body.pieces):
            if sound := body.pieces[place]:
                yield sound
            place += 1
        if body.has_ended:
            return
        since = monotonic()
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await changed.wait()
        except TimeoutError:
            if not was_held_up(since, SILENT_SECONDS):
                return


class RedisBodies:
    """Bodies that any process with the same Redis can read, each a Redis stream.

    Bodies that this process writes it reads from its `local` memory: they need no Redis
    to be heard to their end.
    """

    def __init__(self, url: str, redis: Redis, local: MemoryBodies) -> None:
        self.redis: Any = redis
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_READERS,
            timeout=0.5,
            socket_timeout=SILENT_SECONDS + ANSWER_SECONDS,
            socket_connect_timeout=0.3,
        )
        self.readers: Any = Redis.from_pool(pool)
        self.local = local

    async def begin(self, clip_id: str, seconds: float) -> None:
        key, lifetime = body_key(clip_id), milliseconds(seconds)
        try:
            async with self.redis.pipeline(transaction=True) as pipeline:
                pipeline.xadd(key, {SOUND: b""})
                pipeline.pexpire(key, lifetime)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise _lost(error) from error
        await self.local.begin(clip_id, seconds)

    async def append(self, clip_id: str, sound: bytes) -> None:
        try:
            # A Redis that has lost the beginning must not get the rest only.
            added = await self.redis.xadd(
                body_key(clip_id), {SOUND: sound}, nomkstream=True
            )
        except (RedisError, OSError) as error:
            raise _lost(error) from error
        if added is None:
            raise BodyLost("Redis has lost the clip.")
        await self.local.append(clip_id, sound)

    async def read(self, clip_id: str) -> Pieces | None:
        if pieces := await self.local.read(clip_id):
            return pieces
        try:
            if not await self.redis.exists(body_key(clip_id)):
                return None
        except (RedisError, OSError) as error:
            raise _lost(error) from error
        return self._read(body_key(clip_id))

    async def _read(self, key: str) -> Pieces:
        latest = b"0"
        while (entries := await self._after(key, latest)) is not None:
            for number, entry in entries:
                latest = number
                if END in entry:
                    return
                if sound := entry[SOUND]:
                    yield sound

    async def _after(self, key: str, latest: bytes) -> list[Any] | None:
        """Wait for the next entries; None if none will come."""
        since, block = monotonic(), milliseconds(SILENT_SECONDS)
        try:
            found = await self.readers.xread({key: latest}, block=block)
        except (RedisError, OSError):
            if was_held_up(since, SILENT_SECONDS + ANSWER_SECONDS):
                return []
            metrics.count_dependency_error("redis")
            return None
        if found:
            entries: list[Any] = found[0][1]
            return entries
        return [] if was_held_up(since, SILENT_SECONDS) else None

    async def aclose(self) -> None:
        await self.local.aclose()
        await self.readers.aclose()


def was_held_up(since: float, limit: float, by: float = HELD_UP_SECONDS) -> bool:
    """True if this process stood still, so that what it waited for may still come."""
    return monotonic() - since > limit + by


def _lost(error: Exception) -> BodyLost:
    metrics.count_dependency_error("redis")
    return BodyLost(str(error))


def end_body(pipeline: Any, clip_id: str) -> None:
    """Let a pipeline of commands end a body: nothing more comes."""
    key = body_key(clip_id)
    pipeline.xadd(key, {END: b""}, nomkstream=True)
    pipeline.pexpire(key, milliseconds(ENDED_SECONDS))


def milliseconds(seconds: float) -> int:
    """A time as Redis takes it: at least 1, for 0 is refused or means for ever."""
    return max(1, round(seconds * 1000))


def body_key(clip_id: str) -> str:
    """The key of a body in Redis."""
    return f"voicebot:body:{clip_id}"
