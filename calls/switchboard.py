"""What all calls of one process share: clients, stores, the transcript writer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings

from bots.inworld.client import Inworld
from calls.clips import ClipStore, MemoryClips, RedisClips
from calls.fetches import Fetches
from calls.models import Call
from calls.phrases import Phrases
from calls.release import Voice
from calls.transcripts import TranscriptWriter

if TYPE_CHECKING:
    from calls.session import CallSession


class Ringing:
    """Calls this process has just answered, until their socket comes.

    Saves the socket a look into the database. A socket that has not come within
    `PATIENCE` seconds comes to another process, or not at all.
    """

    PATIENCE = 20.0

    def __init__(self) -> None:
        self.calls: OrderedDict[str, tuple[Call, float]] = OrderedDict()

    def __len__(self) -> int:
        self._expire()
        return len(self.calls)

    def expect(self, call: Call) -> None:
        """Note a call whose socket will be opened soon."""
        self._expire()
        self.calls[call.call_sid] = (call, monotonic())

    def take(self, call_sid: str) -> Call | None:
        """The call whose socket has come, if it was answered here."""
        call, _ = self.calls.pop(call_sid, (None, 0.0))
        return call

    def _expire(self) -> None:
        oldest = monotonic() - self.PATIENCE
        while self.calls and next(iter(self.calls.values()))[1] < oldest:
            self.calls.popitem(last=False)


class Switchboard:
    """Long-lived parts, built once per process and used from its one event loop."""

    def __init__(self, inworld: Inworld, clips: ClipStore) -> None:
        self.inworld = inworld
        self.clips = clips
        self.phrases = Phrases(inworld, clips)
        self.fetches = Fetches()
        # By voice and its model: how fast one speaks is learned from all its calls.
        self.voices: defaultdict[tuple[str, str], Voice] = defaultdict(Voice)
        self.transcripts = TranscriptWriter()
        self.ringing = Ringing()
        self.sessions: dict[str, CallSession] = {}  # in progress, by call SID

    @property
    def is_full(self) -> bool:
        """Whether another call would be one too many for this process."""
        return len(self.sessions) + len(self.ringing) >= settings.MAX_CALLS

    async def aclose(self) -> None:
        """End the calls in progress, write what is queued, let go of connections."""
        end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
        sessions = list(self.sessions.values())
        await asyncio.gather(*(session.close(*end) for session in sessions))
        await self.transcripts.aclose()
        await self.phrases.aclose()
        await self.inworld.aclose()
        await self.clips.aclose()


def clip_store() -> ClipStore:
    """Redis where it is configured, so that any process can serve any clip."""
    if settings.REDIS_URL:
        return RedisClips(settings.REDIS_URL)
    return MemoryClips(settings.CLIP_MEMORY_MB * 1_000_000)


@lru_cache(maxsize=1)
def switchboard() -> Switchboard:
    """The process's switchboard."""
    inworld = Inworld(
        settings.INWORLD_BASE_URL,
        settings.INWORLD_API_KEY,
        concurrency=settings.INWORLD_CONCURRENCY,
    )
    return Switchboard(inworld, clip_store())
