"""Fixed sentences (greetings) in a bot's voice: synthesised once, kept for good."""

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass

from django.conf import settings

from bots.inworld.client import Inworld, Voicing
from calls.clips import ClipStore, ClipsUnavailable
from calls.wav import HEADER_BYTES, wav

# A phrase is kept this long after its last use, so that every process can share it.
KEPT_SECONDS = 7 * 24 * 3600.0
# How many phrases one process holds ready.
READY_PHRASES = 500


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence ready to be played; `id` names its clip."""

    id: str
    wav: bytes
    seconds: float


class Phrases:
    """Every fixed sentence by what was said, in which voice."""

    def __init__(self, inworld: Inworld, clips: ClipStore) -> None:
        self.inworld = inworld
        self.clips = clips
        self.ready: OrderedDict[str, Phrase] = OrderedDict()
        self.making: dict[str, asyncio.Lock] = {}

    async def get(self, voicing: Voicing) -> Phrase:
        """The phrase, stored so that it can be fetched.

        Raises `InworldError` when it must be synthesised and cannot be, and
        `ClipsUnavailable` when there is nowhere to put it.
        """
        phrase_id = _id_of(voicing)
        phrase = self.ready.get(phrase_id)
        if phrase is None:
            phrase = await self._make_once(phrase_id, voicing)
        self.ready.move_to_end(phrase_id)
        # Put each time: the store may have lost it, and it costs next to nothing.
        await self.clips.put(phrase_id, phrase.wav, KEPT_SECONDS)
        return phrase

    def owns(self, clip_id: str) -> bool:
        """Whether a clip is a phrase, shared by many calls."""
        return clip_id in self.ready

    async def _make_once(self, phrase_id: str, voicing: Voicing) -> Phrase:
        """Callers who come while a phrase is being made wait for that one."""
        async with self.making.setdefault(phrase_id, asyncio.Lock()):
            phrase = self.ready.get(phrase_id)
            if phrase is None:
                phrase = await self._stored(phrase_id, voicing.sample_rate)
                phrase = phrase or await self._synthesised(phrase_id, voicing)
                self.ready[phrase_id] = phrase
        self.making.pop(phrase_id, None)
        while len(self.ready) > READY_PHRASES:
            self.ready.popitem(last=False)
        return phrase

    async def _stored(self, phrase_id: str, sample_rate: int) -> Phrase | None:
        try:
            body = await self.clips.get(phrase_id)
        except ClipsUnavailable:
            return None
        if body is None:
            return None
        return Phrase(phrase_id, body, (len(body) - HEADER_BYTES) / 2 / sample_rate)

    async def _synthesised(self, phrase_id: str, voicing: Voicing) -> Phrase:
        pcm = await self.inworld.speak(voicing)
        return Phrase(phrase_id, wav(pcm.data, pcm.sample_rate), pcm.seconds)


def _id_of(voicing: Voicing) -> str:
    """An id every process arrives at and nobody outside can guess."""
    said = json.dumps(voicing.body(), sort_keys=True).encode()
    return hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).hexdigest()
