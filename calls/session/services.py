"""Clients, stores and queues that all calls of one process share."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from weakref import WeakValueDictionary

from django.conf import settings

from bots.config.bot_config import BotConfig
from bots.inworld.client import Inworld
from calls.background import BackgroundTasks
from calls.clips.call_streaming import CallStreaming
from calls.clips.clip_fetches import FetchListeners
from calls.clips.clip_store import ClipStore, ClipsUnavailable, MemoryClips, RedisClips
from calls.clips.head_start import HeadStart
from calls.clips.streaming_policy import StreamingPolicy, streaming_policy
from calls.live_feed.broadcast import Broadcaster
from calls.recordings.recorder import TwilioRecorder
from calls.speech.first_tokens import FirstTokens
from calls.speech.phrase_cache import PhraseCache
from calls.speech.segment_end import SpeakingRate
from calls.transcripts.writer import TranscriptWriter
from calls.twilio.account import account
from calls.twilio.recordings import RecordingControl

log = logging.getLogger(__name__)

# How long a process that ends waits for requests about recordings: one may be a stop.
RECORDING_SECONDS = 2.0


class Services:
    """Built once per process and used from its one event loop."""

    def __init__(self, inworld: Inworld, clips: ClipStore) -> None:
        self.inworld = inworld
        self.clips = clips
        self.phrases = PhraseCache(inworld, clips)
        self.fetches = FetchListeners()
        self.streaming: StreamingPolicy = streaming_policy(settings.STREAM_CLIPS)
        self.head_start = HeadStart()
        self.transcripts = TranscriptWriter()
        self.broadcaster = Broadcaster()
        self.recordings = RecordingControl(account())
        self.recording_tasks = BackgroundTasks(log)
        # By call SID: the next session of a call goes on with a request in flight.
        self.recorders: WeakValueDictionary[str, TwilioRecorder] = WeakValueDictionary()
        self.speaking_rates: defaultdict[tuple[str, ...], SpeakingRate] = defaultdict(
            SpeakingRate
        )

        # By bot and model.
        self.first_tokens: defaultdict[tuple[int | None, str], FirstTokens] = (
            defaultdict(FirstTokens)
        )

    def speaking_rate(self, config: BotConfig) -> SpeakingRate:
        """The rate of a bot's voice in its language, learned from all its calls."""
        key = (config.tts_voice, config.tts_model, config.language)
        return self.speaking_rates[key]

    def call_streaming(self, call_sid: str) -> CallStreaming:
        """The streamed clips of a call."""
        return CallStreaming(self.streaming, self.head_start, call_sid)

    async def aclose(self) -> None:
        """Write what is queued and close all connections."""
        await self.broadcaster.aclose()
        await self.recording_tasks.aclose(RECORDING_SECONDS)
        await self.recordings.aclose()
        await self.transcripts.aclose()
        await self.phrases.aclose()
        await self.inworld.aclose()
        await self.clips.aclose()


def clip_store() -> ClipStore:
    """Redis if it is configured, so that any process can serve any clip."""
    if settings.REDIS_URL:
        return RedisClips(settings.REDIS_URL)
    return MemoryClips(settings.CLIP_MEMORY_MB * 1_000_000)


async def delete_clips(clip_ids: Sequence[str]) -> str:
    """Delete clips from a command; returns the problem if that fails, or nothing.

    Copies in servers' memory stay until they expire.
    """
    store = clip_store()
    try:
        await store.drop(list(clip_ids))
    except ClipsUnavailable:
        return "Redis is not available: the audio of these calls expires by itself."
    finally:
        await store.aclose()
    return ""


@lru_cache(maxsize=1)
def services() -> Services:
    """The services of this process."""
    inworld = Inworld(
        settings.INWORLD_BASE_URL,
        settings.INWORLD_API_KEY,
        concurrency=settings.INWORLD_MAX_CONCURRENCY,
    )
    return Services(inworld, clip_store())
