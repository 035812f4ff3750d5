"""Fixed sentences, such as greetings, in a bot's voice: synthesised once."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from bots.audio import wav
from bots.audio.pcm import Pcm
from bots.inworld.client import Inworld, OnCharacters, SpeechRequest
from bots.inworld.errors import InworldError
from calls.clips.clip_store import ClipStore, ClipsUnavailable, clip_url
from calls.clips.signed_ids import phrase_id
from calls.speech.audio import at_telephone_rate
from calls.speech.levels import analyse
from calls.turns.clip import Clip
from calls.turns.clip_ids import PHRASE_TTL_SECONDS

# Phrases that one process holds in memory: half an hour of speech.
MAX_CACHED_BYTES = 30_000_000
PREPARE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence ready to be played; `id` is that of its clip."""

    id: str
    wav: bytes
    seconds: float
    speech_frames: bytes

    @classmethod
    def of(cls, phrase_id: str, pcm: Pcm) -> Self:
        """The phrase with these samples."""
        file = wav.wav(pcm.data, pcm.sample_rate)
        return cls(phrase_id, file, pcm.seconds, analyse(pcm).speech_frames)

    def clip(self, text: str) -> Clip:
        """A clip of the phrase."""
        return Clip(
            self.id, clip_url(self.id), text, self.seconds, self.speech_frames, True
        )


class PhraseCache:
    """Fixed sentences by text and voice."""

    def __init__(self, inworld: Inworld, clips: ClipStore) -> None:
        self.inworld = inworld
        self.clips = clips
        self.ready: OrderedDict[str, Phrase] = OrderedDict()
        self.size = 0  # bytes of the phrases that are ready
        self.making: dict[str, asyncio.Task[Phrase]] = {}

    async def get(
        self,
        request: SpeechRequest,
        max_seconds: float,
        on_characters: OnCharacters | None = None,
    ) -> Phrase:
        """The phrase, stored so that Twilio can fetch it.

        The first caller of a phrase that has to be made is told what it took.

        Raises `InworldError` if it cannot be synthesised, `TimeoutError` if that takes
        longer than `max_seconds` (it is still finished, for the next time), and
        `ClipsUnavailable` if it cannot be stored.
        """
        phrase_id = _id_of(request)
        phrase = self.ready.get(phrase_id)
        if phrase is None:
            making = asyncio.shield(self._making(phrase_id, request, on_characters))
            phrase = await asyncio.wait_for(making, max_seconds)
        self.ready.move_to_end(phrase_id)
        # Store it each time: the store may have lost it, and it costs little.
        await self.clips.put(phrase_id, phrase.wav, PHRASE_TTL_SECONDS)
        return phrase

    def has(self, request: SpeechRequest) -> bool:
        """True if the phrase is ready in this process."""
        return _id_of(request) in self.ready

    async def prepare(
        self,
        requests: Iterable[SpeechRequest],
        on_characters: OnCharacters | None = None,
    ) -> None:
        """Make phrases for later; a phrase that cannot be made now is skipped."""
        for request in requests:
            if not self.has(request):
                with suppress(InworldError, ClipsUnavailable, TimeoutError):
                    await self.get(request, PREPARE_SECONDS, on_characters)

    async def aclose(self) -> None:
        """Stop making phrases."""
        tasks = list(self.making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _making(
        self, phrase_id: str, request: SpeechRequest, on_characters: OnCharacters | None
    ) -> asyncio.Task[Phrase]:
        """The task that makes a phrase; all calls that wait for it share one."""
        task = self.making.get(phrase_id)
        if task is None:
            task = asyncio.create_task(self._make(phrase_id, request, on_characters))
            self.making[phrase_id] = task
            task.add_done_callback(lambda done: self._made(phrase_id, done))
        return task

    def _made(self, phrase_id: str, task: asyncio.Task[Phrase]) -> None:
        del self.making[phrase_id]
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio logs it; waiting calls raise it

    async def _make(
        self, phrase_id: str, request: SpeechRequest, on_characters: OnCharacters | None
    ) -> Phrase:
        phrase = await self._stored(phrase_id)
        if phrase is None:
            pcm = await self.inworld.speak(request, on_characters)
            phrase = Phrase.of(phrase_id, at_telephone_rate(pcm))
        self.ready[phrase_id] = phrase
        self.size += len(phrase.wav)
        while self.size > MAX_CACHED_BYTES and len(self.ready) > 1:
            _, oldest = self.ready.popitem(last=False)
            self.size -= len(oldest.wav)
        return phrase

    async def _stored(self, phrase_id: str) -> Phrase | None:
        try:
            body = await self.clips.get(phrase_id)
            return None if body is None else Phrase.of(phrase_id, wav.read(body))
        except (ClipsUnavailable, wav.BadWav):
            return None


def _id_of(request: SpeechRequest) -> str:
    """An unguessable id, the same in every process.

    The sandbox has voices of the same names as Inworld, which sound different.
    """
    source = "" if settings.SANDBOX_RUNNING else settings.INWORLD_BASE_URL
    key = {"source": source, **request.body()}
    return phrase_id(json.dumps(key, sort_keys=True).encode())
