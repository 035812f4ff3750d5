"""What all calls of one process share: clients, stores, the transcript writer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings

from bots.config.bot_config import Profile
from bots.inworld.client import Inworld
from calls.live_feed.broadcast import Broadcaster
from calls.models import Call
from calls.operations.heartbeat import Heartbeat
from calls.post_call.worker import Aftercare
from calls.privacy.nightly_purge import Daily
from calls.session.operator_controls import Controls
from calls.speech.clip_fetches import Fetches
from calls.speech.clip_store import ClipStore, MemoryClips, RedisClips
from calls.speech.phrase_cache import Phrases
from calls.speech.segment_end import Voice
from calls.transcripts.writer import TranscriptWriter

if TYPE_CHECKING:
    from calls.session.session import CallSession


class Awaited:
    """Calls of which the carrier will be heard soon: a socket, or a callback.

    Saves a socket the look into the database where that is away. What has not come
    within `PATIENCE` seconds comes to another process, or not at all.
    """

    PATIENCE = 20.0

    def __init__(self) -> None:
        self.calls: OrderedDict[str, tuple[Call, float]] = OrderedDict()

    def __len__(self) -> int:
        self._expire()
        return len(self.calls)

    def expect(self, call: Call) -> None:
        """Note a call of which something is to come."""
        self._expire()
        self.calls[call.call_sid] = (call, monotonic())

    def take(self, call_sid: str, nonce: str = "") -> Call | None:
        """The call of which it has come, if it was expected here, with that nonce."""
        call, _ = self.calls.get(call_sid, (None, 0.0))
        if call is None or (nonce and call.relay_nonce != nonce):
            return None
        del self.calls[call_sid]
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
        self.voices: defaultdict[tuple[str, ...], Voice] = defaultdict(Voice)
        self.transcripts = TranscriptWriter()
        self.ringing = Awaited()  # answered here, their socket is to come
        self.lost = Awaited()  # their socket is gone, the carrier will ask how to go on
        self.sessions: dict[str, CallSession] = {}  # in progress, by call SID
        self.draining = False  # no new calls, while the process is being stopped
        self.closing = False  # nor any socket
        self.daily = Daily(clips)
        self.aftercare = Aftercare(inworld)
        self.broadcaster = Broadcaster()
        self.controls = Controls(self.sessions, self.broadcaster)
        self.heartbeat = Heartbeat(self.sessions, self.transcripts)

    def voice(self, profile: Profile) -> Voice:
        """How a bot's voice speaks its language, learned from all its calls."""
        return self.voices[profile.tts_voice, profile.tts_model, profile.language]

    @property
    def is_full(self) -> bool:
        """Whether another call would be one too many for this process."""
        return len(self.sessions) + len(self.ringing) >= settings.MAX_CALLS

    @property
    def is_alone(self) -> bool:
        """Whether no other process could go on with a call of this one."""
        return not settings.REDIS_URL

    @property
    def is_idle(self) -> bool:
        """Whether there is no call here, and none is about to come."""
        return not (self.sessions or len(self.ringing) or len(self.lost))

    async def let_go(self, session: CallSession) -> None:
        """Stop a session whose relay is gone; its call may go on in another."""
        if not session.stopping:
            self.lost.expect(session.call)
        await session.lose()
        self.forget(session)

    def forget(self, session: CallSession) -> None:
        """Take a session off the board, unless another has its place."""
        call_sid = session.call.call_sid
        if self.sessions.get(call_sid) is session:
            del self.sessions[call_sid]

    async def aclose(self) -> None:
        """Leave the calls in progress, write what is queued, let go of connections."""
        end = Call.Status.FAILED, Call.EndReason.SERVER_STOPPED
        sessions = list(self.sessions.values())
        await asyncio.gather(
            *(
                session.close(*end)
                if self.is_alone or session.call.is_test
                else session.lose()
                for session in sessions
            )
        )
        await self.heartbeat.aclose()
        await self.controls.aclose()
        await self.broadcaster.aclose()
        await self.daily.aclose()
        await self.aftercare.aclose()
        await self.transcripts.aclose()
        await self.phrases.aclose()
        await self.inworld.aclose()
        await self.clips.aclose()


def clip_store() -> ClipStore:
    """Redis where it is configured, so that any process can serve any clip."""
    if settings.REDIS_URL:
        return RedisClips(settings.REDIS_URL)
    return MemoryClips(settings.CLIP_MEMORY_MB * 1_000_000)


async def remove_sound(clip_ids: Sequence[str]) -> None:
    """Drop clips from outside of a server; what it has in its memory, it keeps."""
    store = clip_store()
    try:
        await store.drop(list(clip_ids))
    finally:
        await store.aclose()


@lru_cache(maxsize=1)
def switchboard() -> Switchboard:
    """The process's switchboard."""
    inworld = Inworld(
        settings.INWORLD_BASE_URL,
        settings.INWORLD_API_KEY,
        concurrency=settings.INWORLD_CONCURRENCY,
    )
    return Switchboard(inworld, clip_store())
