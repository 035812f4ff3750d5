"""A whole clip whose address is sent before its sentence has ended.

The carrier connects and asks for the clip while the last sound of the sentence comes.
`GET /audio/<id>` waits for it, and then answers as for any whole clip.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from bots.audio.pcm import TELEPHONE_RATE
from bots.audio.wav import wav
from bots.inworld.segments import Segment
from calls.clips.clip_bodies import BEAT_SECONDS, BodyLost
from calls.clips.clip_store import ClipStore, ClipsUnavailable, clip_url
from calls.clips.signed_ids import new_clip_id
from calls.speech.audio import at_telephone_rate, silence
from calls.speech.growing_clip import NOTHING_SECONDS, clip_so_far
from calls.speech.levels import Levels
from calls.speech.segment_end import SpeakingRate
from calls.turns.clip import Clip
from calls.turns.clip_ids import EARLY_SUFFIX

# The address is sent when the rest of the sentence should come within this time (s):
# longer than the carrier needs to connect and ask, much shorter than it would wait.
AHEAD_SECONDS = 0.2


class EarlyClip:
    """Has the methods of a `GrowingClip`; nobody hears a part of it before its end."""

    reached = 0.0
    began_at: ClassVar[float | None] = None
    ended_at: ClassVar[float | None] = None
    rest: ClassVar[Segment | None] = None

    def __init__(
        self, store: ClipStore, rate: SpeakingRate, text: str, lifetime: float
    ) -> None:
        self.store = store
        self.rate = rate
        self.text = text
        self.lifetime = lifetime
        self.id = new_clip_id() + EARLY_SUFFIX
        self.url = clip_url(self.id)
        self.is_cut = False
        self.segment: Segment | None = None
        self.levels = Levels(TELEPHONE_RATE)
        self.reported = asyncio.Event()  # set once its call knows all of it
        self._over = asyncio.Event()
        self._sound = silence(NOTHING_SECONDS)

    def feed(self, audio: bytearray, text: str) -> None:
        """Take its words so far; the sound is taken at the end."""
        self.text = text

    def finish(self, segment: Segment) -> None:
        """The sentence is complete."""
        if not self.is_cut:
            self.segment, self.text = segment, segment.text
            # At once: from now on the clip has its length.
            self._sound = at_telephone_rate(segment.pcm)
            self.levels.feed(self._sound.data)
        self._over.set()

    def cut(self) -> None:
        """Answer with silence, unless the sentence is complete."""
        self.is_cut = self.segment is None
        self._over.set()

    async def begin(self) -> None:
        """Let all processes know that the clip will come. Raises `BodyLost`."""
        await self.store.bodies.begin(self.id, self.lifetime)

    async def whole(self) -> Segment | None:
        """Wait for the sentence."""
        await self._over.wait()
        return self.segment

    async def run(self) -> None:
        """Wait for the sentence, and store it."""
        while not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._over.wait()
                    break
            with suppress(BodyLost):
                await self.store.bodies.append(self.id, b"")
        # If the store fails, the fetch gets silence, and Twilio's voice says the words.
        with suppress(ClipsUnavailable):
            file = wav(self._sound.data, self._sound.sample_rate)
            await self.store.put(self.id, file, self.lifetime)
        with suppress(BodyLost):
            await self.store.bodies.end(self.id)

    @property
    def clip(self) -> Clip:
        """The clip as far as it is known."""
        if not self._over.is_set():
            so_far = clip_so_far(self.text, self.levels, self.rate)
            return replace(so_far, id=self.id, url=self.url)
        text = self.text if self.segment else ""
        frames = self.levels.speech_frames
        return Clip(self.id, self.url, text.strip(), self.seconds, frames)

    @property
    def seconds(self) -> float:
        """The length of what can be heard."""
        return self.levels.seconds or NOTHING_SECONDS
