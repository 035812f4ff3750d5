"""Silences clips that were sent to Twilio and must not be heard, or not now."""

import asyncio
from contextlib import suppress

from django.conf import settings

from bots.audio.wav import wav
from calls.clips.clip_store import ClipStore, ClipsUnavailable
from calls.logs import CallLog
from calls.speech.audio import silence
from calls.turns.clip import Clip

# Length of the silence that replaces a clip in Twilio's queue.
SILENCE_SECONDS = 0.05


class ClipMuter:
    """Replaces clips of one call by silence, and restores them when they are wanted.

    Operations run one after the other, so the latest one wins with a slow store, too.
    """

    def __init__(self, store: ClipStore, log: CallLog) -> None:
        self.store = store
        self.log = log
        self.order = asyncio.Lock()
        self.muted: dict[str, bytes] = {}  # clips by id

    async def mute(self, clips: tuple[Clip, ...]) -> None:
        """Replace clips by silence, and keep them here."""
        own = [clip.id for clip in clips if clip.is_own]
        async with self.order:
            for clip_id in own:
                with suppress(ClipsUnavailable):
                    self.muted[clip_id] = await self.store.get(clip_id) or b""
                    await self._silence(clip_id)

    async def restore(self, clip: Clip) -> None:
        """Put a muted clip back."""
        async with self.order:
            if body := self.muted.pop(clip.id, b""):
                with suppress(ClipsUnavailable):
                    await self.store.put(clip.id, body, settings.CLIP_TTL_SECONDS)

    async def drop(self, clips: tuple[Clip, ...], *, queued: bool) -> None:
        """Remove clips for good; clips that are `queued` are replaced by silence."""
        own = [clip.id for clip in clips if clip.is_own]
        async with self.order:
            # Muted clips are silence already, and Twilio may still fetch it.
            ids = [clip_id for clip_id in own if not self._forget(clip_id)]
            try:
                if not queued:
                    await self.store.drop(ids)
                    return
                for clip_id in ids:
                    await self._silence(clip_id)
            except ClipsUnavailable as error:
                self.log.warning("Clips could not be removed: %s", error)

    def _forget(self, clip_id: str) -> bool:
        return self.muted.pop(clip_id, None) is not None

    async def _silence(self, clip_id: str) -> None:
        quiet = silence(SILENCE_SECONDS)
        body = wav(quiet.data, quiet.sample_rate)
        await self.store.put(clip_id, body, settings.CLIP_TTL_SECONDS)
