"""Fixed sentences (greetings) in a bot's voice: synthesised once, kept for good."""

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from django.conf import settings

from bots.audio import wav
from bots.audio.pcm import Pcm
from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import InworldError
from calls.speech.audio import at_rate, clip_file
from calls.speech.clip_store import ClipStore, ClipsUnavailable, clip_url
from calls.speech.levels import analyse
from calls.turns.clip_ids import PHRASE_TTL_SECONDS
from calls.turns.playback import Clip

# How many phrases one process holds ready.
MAX_CACHED_PHRASES = 500
PREPARE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence ready to be played; `id` names its clip, `pace` is its rhythm."""

    id: str
    wav: bytes
    seconds: float
    pace: bytes

    @classmethod
    def of(cls, phrase_id: str, pcm: Pcm) -> Self:
        """The phrase that these samples speak."""
        return cls(phrase_id, clip_file(pcm), pcm.seconds, analyse(pcm).speech_frames)

    def clip(self, text: str) -> Clip:
        """The phrase as something to play."""
        return Clip(self.id, clip_url(self.id), text, self.seconds, self.pace, True)


class PhraseCache:
    """Every fixed sentence by what was said, in which voice."""

    def __init__(self, inworld: Inworld, clips: ClipStore) -> None:
        self.inworld = inworld
        self.clips = clips
        self.ready: OrderedDict[str, Phrase] = OrderedDict()
        self.making: dict[str, asyncio.Task[Phrase]] = {}

    async def get(self, voicing: SpeechRequest, within: float) -> Phrase:
        """The phrase, stored so that it can be fetched.

        Raises `InworldError` when it must be synthesised and cannot be, `TimeoutError`
        when that takes longer than `within` seconds (it is still made, for the next
        time), and `ClipsUnavailable` when there is nowhere to put it.
        """
        phrase_id = _id_of(voicing)
        phrase = self.ready.get(phrase_id)
        if phrase is None:
            making = asyncio.shield(self._making(phrase_id, voicing))
            phrase = await asyncio.wait_for(making, within)
        self.ready.move_to_end(phrase_id)
        # Put each time: the store may have lost it, and it costs next to nothing.
        await self.clips.put(phrase_id, phrase.wav, PHRASE_TTL_SECONDS)
        return phrase

    async def prepare(self, voicings: Iterable[SpeechRequest]) -> None:
        """Have phrases ready for later; one that cannot be made is left for then."""
        for voicing in voicings:
            if _id_of(voicing) not in self.ready:
                with suppress(InworldError, ClipsUnavailable, TimeoutError):
                    await self.get(voicing, PREPARE_SECONDS)

    async def aclose(self) -> None:
        """Stop making phrases."""
        tasks = list(self.making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _making(self, phrase_id: str, voicing: SpeechRequest) -> asyncio.Task[Phrase]:
        """The one task that makes a phrase; callers who come meanwhile share it."""
        task = self.making.get(phrase_id)
        if task is None:
            task = asyncio.create_task(self._make(phrase_id, voicing))
            self.making[phrase_id] = task
            task.add_done_callback(lambda done: self._made(phrase_id, done))
        return task

    def _made(self, phrase_id: str, task: asyncio.Task[Phrase]) -> None:
        del self.making[phrase_id]
        if not task.cancelled():
            task.exception()  # whoever still waits for it is told, nobody else

    async def _make(self, phrase_id: str, voicing: SpeechRequest) -> Phrase:
        phrase = await self._stored(phrase_id)
        phrase = phrase or await self._synthesised(phrase_id, voicing)
        self.ready[phrase_id] = phrase
        while len(self.ready) > MAX_CACHED_PHRASES:
            self.ready.popitem(last=False)
        return phrase

    async def _stored(self, phrase_id: str) -> Phrase | None:
        try:
            body = await self.clips.get(phrase_id)
            return None if body is None else Phrase.of(phrase_id, wav.read(body))
        except (ClipsUnavailable, wav.BadWav):
            return None

    async def _synthesised(self, phrase_id: str, voicing: SpeechRequest) -> Phrase:
        pcm = await self.inworld.speak(voicing)
        return Phrase.of(phrase_id, at_rate(pcm, voicing.sample_rate))


def _id_of(voicing: SpeechRequest) -> str:
    """An id every process arrives at and nobody outside can guess."""
    said = json.dumps(voicing.body(), sort_keys=True).encode()
    return hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).hexdigest()
