"""Clips of one call that were sent and must not be heard, or not now."""

import asyncio
from contextlib import suppress

from django.conf import settings

from calls.logs import CallLog
from calls.speech.audio import clip_file, silence
from calls.speech.clip_store import ClipStore, ClipsUnavailable
from calls.turns.playback import Clip

# Played in place of a clip that must not be heard but is still in the queue.
HUSH_SECONDS = 0.05


class ClipMuter:
    """Puts silence in the place of clips, and the clips back when they are wanted.

    In the order of asking, however slow the store: what was wanted last holds.
    """

    def __init__(self, store: ClipStore, log: CallLog) -> None:
        self.store = store
        self.log = log
        self.order = asyncio.Lock()
        self.withheld: dict[str, bytes] = {}  # clips by id, silence in their place

    async def mute(self, clips: tuple[Clip, ...]) -> None:
        """Put silence in the place of clips, and keep them here."""
        own = [clip.id for clip in clips if clip.is_own]
        async with self.order:
            for clip_id in own:
                with suppress(ClipsUnavailable):
                    self.withheld[clip_id] = await self.store.get(clip_id) or b""
                    await self._hush(clip_id)

    async def restore(self, clip: Clip) -> None:
        """Let a clip be heard again, where it was kept here."""
        async with self.order:
            if body := self.withheld.pop(clip.id, b""):
                with suppress(ClipsUnavailable):
                    await self.store.put(clip.id, body, settings.CLIP_TTL_SECONDS)

    async def drop(self, clips: tuple[Clip, ...], *, queued: bool) -> None:
        """Take clips away for good; what is `queued` is replaced by silence."""
        own = [clip.id for clip in clips if clip.is_own]
        async with self.order:
            # In the place of these is silence already, and something may come for it.
            ids = [each for each in own if self.withheld.pop(each, None) is None]
            try:
                if not queued:
                    await self.store.drop(ids)
                    return
                for clip_id in ids:
                    await self._hush(clip_id)
            except ClipsUnavailable as error:
                self.log.warning("Clips could not be removed: %s", error)

    async def _hush(self, clip_id: str) -> None:
        """Put something there that nobody hears."""
        hush = clip_file(silence(HUSH_SECONDS, settings.CLIP_SAMPLE_RATE))
        await self.store.put(clip_id, hush, settings.CLIP_TTL_SECONDS)
