"""A whole clip whose address is sent before its sentence has ended.

The carrier connects and asks for the clip while the last sound of the sentence comes.
`GET /audio/<id>` waits for it, and then answers as for any whole clip.
"""

import asyncio
from contextlib import suppress

from bots.inworld.segments import Segment
from calls.clips.clip_bodies import BEAT_SECONDS, BodyLost
from calls.clips.clip_store import ClipStore
from calls.speech.audio import at_telephone_rate, silence
from calls.speech.growing_clip import NOTHING_SECONDS, BegunClip
from calls.speech.segment_end import SpeakingRate
from calls.turns.clip_ids import EARLY_SUFFIX

# The address is sent when the rest of the sentence should come within this time (s):
# longer than the carrier needs to connect and ask, much shorter than it would wait.
AHEAD_SECONDS = 0.2


class EarlyClip(BegunClip):
    """Nobody hears a part of it before its end."""

    def __init__(
        self, store: ClipStore, rate: SpeakingRate, text: str, lifetime: float
    ) -> None:
        super().__init__(store, rate, EARLY_SUFFIX, lifetime, text)
        self._sound = silence(NOTHING_SECONDS)

    def finish(self, segment: Segment) -> None:
        if not self.is_cut:
            # At once: from now on the clip has its length.
            self._sound = at_telephone_rate(segment.pcm)
            self.levels.feed(self._sound.data)
        super().finish(segment)

    async def run(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._over.wait()
                    break
            with suppress(BodyLost):
                await self.store.bodies.append(self.id, b"")
        # If the store fails, the fetch gets silence, and Twilio's voice says the words.
        await self._end(self._sound.data)

    @property
    def _known(self) -> tuple[str, float]:
        return self.text if self.segment else "", self.seconds

    @property
    def seconds(self) -> float:
        return self.levels.seconds or NOTHING_SECONDS
