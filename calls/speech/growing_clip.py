"""A clip that Twilio can fetch while its sentence is still being made.

`BegunClip` is what it shares with an early one (`early_clip.py`).
"""

import asyncio
import struct
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from math import inf
from time import monotonic

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.wav import wav
from bots.inworld.segments import Segment
from calls.clips.clip_bodies import BEAT_SECONDS, BodyLost
from calls.clips.clip_format import ClipFormat
from calls.clips.clip_store import ClipStore, ClipsUnavailable, clip_url
from calls.clips.growing_formats import format_writer
from calls.clips.signed_ids import new_clip_id
from calls.speech.audio import StreamResampler, silence
from calls.speech.levels import Levels
from calls.speech.segment_end import SpeakingRate
from calls.turns.clip import Clip
from calls.turns.word_timing import FRAME_SECONDS

# Sound that comes within this time leaves together, and within the longer one while
# there is enough left to play: each piece costs CPU time.
PIECE_SECONDS, LONG_PIECE_SECONDS = 0.05, 0.2
# The silence that stands for a clip that was cut before its first byte.
NOTHING_SECONDS = 0.05
MAX_RUN = 0xFFFF


class BegunClip(ABC):
    """A clip whose address is sent before its segment is complete."""

    def __init__(
        self,
        store: ClipStore,
        rate: SpeakingRate,
        suffix: str,
        lifetime: float,
        text: str = "",
    ) -> None:
        self.store = store
        self.rate = rate
        self.lifetime = lifetime
        self.id = new_clip_id() + suffix
        self.url = clip_url(self.id)
        self.text = text  # as far as it is known
        self.is_cut = False
        self.began_at: float | None = None  # when its first byte left
        self.ended_at: float | None = None
        self.segment: Segment | None = None
        self.levels = Levels(TELEPHONE_RATE)  # of what can be heard
        self.reported = asyncio.Event()  # set once its call knows all of it
        self._over = asyncio.Event()

    def feed(self, audio: bytearray, text: str) -> None:
        """Take the segment's sound and its words, both as far as they have come."""
        self.text = text

    def finish(self, segment: Segment) -> None:
        """The segment is complete."""
        if not self.is_cut:
            self.segment, self.text = segment, segment.text
        self._over.set()

    def cut(self) -> None:
        """End the clip at once, whatever is missing."""
        self.is_cut = self.segment is None
        self._over.set()

    async def begin(self) -> None:
        """Announce the body to all processes. Raises `BodyLost`."""
        await self.store.bodies.begin(self.id, self.lifetime)

    async def whole(self) -> Segment | None:
        """Wait for the segment, which then is to be sent as a whole."""
        await self._over.wait()
        return self.segment

    @abstractmethod
    async def run(self) -> None:
        """Make the clip until its segment is complete or cut."""

    async def _end(self, sound: bytes) -> None:
        """Store the sound as a whole clip, and end the body."""
        with suppress(ClipsUnavailable):
            await self.store.finish(self.id, wav(sound, TELEPHONE_RATE), self.lifetime)

    @property
    def clip(self) -> Clip:
        """The clip as far as it is known."""
        if not self._over.is_set():
            so_far = clip_so_far(self.text, self.levels, self.rate)
            return replace(so_far, id=self.id, url=self.url)
        text, seconds = self._known
        frames = self.levels.speech_frames
        return Clip(self.id, self.url, text.strip(), seconds, frames)

    @property
    @abstractmethod
    def _known(self) -> tuple[str, float]:
        """The words and the length of a clip that is complete or cut."""

    @property
    def seconds(self) -> float:
        """The length of what can be heard so far."""
        return self.levels.seconds

    @property
    def reached(self) -> float:
        """The seconds that can have been played by now at most."""
        return 0.0

    @property
    def rest(self) -> Segment | None:
        """The part that the body lacks because the store failed."""
        return None


class GrowingClip(BegunClip):
    """Takes a segment's sound as it comes, and writes it to a body in the store.

    The first byte leaves when `head_start` seconds have come. If the store fails, the
    body ends there, and `rest` is what it lacks. All lengths are those that a player
    hears, with the silence at the beginning of an MP3.
    """

    def __init__(
        self,
        store: ClipStore,
        rate: SpeakingRate,
        *,
        clip_format: ClipFormat,
        sample_rate: int,
        head_start: float,
        lifetime: float,
    ) -> None:
        super().__init__(store, rate, clip_format.suffix, lifetime)
        self.head_start = head_start
        self._resampler = StreamResampler(sample_rate)
        self._taken = 0  # bytes of the segment's sound
        self._incoming = bytearray()  # not resampled yet
        self._writer = format_writer(clip_format)
        self._file = bytearray()  # not in the body yet
        self._ready = bytearray()  # the sound of that
        self._body = bytearray()
        self._is_broken = False
        self._not_before = -inf  # when playback began at the earliest
        self._changed = asyncio.Event()

    def feed(self, audio: bytearray, text: str) -> None:
        self._take(audio)
        super().feed(audio, text)
        self._changed.set()

    def finish(self, segment: Segment) -> None:
        if not self.is_cut:
            self._take(segment.pcm.data)
        super().finish(segment)
        self._changed.set()

    def cut(self) -> None:
        super().cut()
        if self.is_cut:
            self._incoming.clear()
            self._file.clear()
            self._ready.clear()
        self._changed.set()

    async def run(self) -> None:
        """Write the body until the segment is complete or cut."""
        while not self._over.is_set():
            await _wait(self._changed, BEAT_SECONDS - LONG_PIECE_SECONDS)
            self._changed.clear()
            await self._write(is_last=False)
            await _wait(self._over, self.pause)
        if not self.is_cut:
            await self._write(is_last=True)
        end = 2 * round(self.clip.seconds * TELEPHONE_RATE)
        await self._end(bytes(self._body[:end]) or silence(NOTHING_SECONDS).data)
        self.ended_at = monotonic()

    @property
    def _known(self) -> tuple[str, float]:
        seconds, text = self.seconds, self.text
        if self.is_cut or self._is_broken:
            text = self._said
        if self.is_cut and text:
            # No half word, if the clip is played again.
            seconds = min(seconds, self._writer.delay + self.rate.expects(text))
        return text, seconds

    @property
    def reached(self) -> float:
        return min(max(monotonic() - self._not_before, 0.0), self.seconds)

    @property
    def rest(self) -> Segment | None:
        if not self._is_broken or self.is_cut:
            return None
        sound = Pcm(TELEPHONE_RATE, bytes(self._ready + self._writer.held))
        return Segment(self.text[len(self._said) :], sound) if sound.data else None

    @property
    def _said(self) -> str:
        """The words of the body so far."""
        return self.rate.spoken(self.text, max(self.seconds - self._writer.delay, 0.0))

    @property
    def pause(self) -> float:
        """For how long more sound may wait, to leave as one piece (s).

        Before the first byte for no time. Then for half of what is left to play.
        """
        if not self._body:
            return 0.0
        left = self.seconds - self.reached
        return min(max(left / 2, PIECE_SECONDS), LONG_PIECE_SECONDS)

    def _take(self, audio: bytes | bytearray) -> None:
        end = len(audio) & ~1  # half a sample stays
        self._incoming += audio[self._taken : end]
        self._taken = max(self._taken, end)

    async def _write(self, *, is_last: bool) -> None:
        """Pass the sound on that has come, or a sign of life."""
        self._encode(is_last=is_last)
        if self._is_broken:
            return
        piece, sound = bytes(self._file), bytes(self._ready)
        has_head_start = len(sound) / 2 / TELEPHONE_RATE >= self.head_start
        if not (self._body or has_head_start or is_last):
            piece = b""
        try:
            await self.store.bodies.append(self.id, piece)
        except BodyLost:
            self._is_broken = True
            return
        if piece:
            now = monotonic()
            self.began_at = self.began_at or now
            self._not_before = max(self._not_before, now - self.seconds)
            self._body += sound
            self.levels.feed(sound)
            # A cut may have cleared both meanwhile.
            del self._file[: len(piece)], self._ready[: len(sound)]

    def _encode(self, *, is_last: bool) -> None:
        """Turn the sound that has come into the format of the body."""
        sound = self._resampler.feed(bytes(self._incoming))
        self._incoming.clear()
        written = [self._writer.feed(sound)]
        if is_last:
            written += [self._writer.feed(self._resampler.end()), self._writer.end()]
        for piece in written:
            self._file += piece.file
            self._ready += piece.sound


def clip_so_far(text: str, levels: Levels, rate: SpeakingRate) -> Clip:
    """A clip of which there is some sound, with the length that its text will take."""
    available, frames = levels.seconds, levels.speech_frames
    seconds = available + rate.missing(text, frames)
    frames = expected_frames(frames, available, seconds)
    return Clip("", "", text.strip(), seconds, frames, available=available)


def expected_frames(frames: bytes, available: float, seconds: float) -> bytes:
    """The `speech_frames` of a clip of `seconds`, of which some are `available`.

    What is not there yet is taken for speech without a pause.
    """
    runs = [run for (run,) in struct.iter_unpack("<H", frames)]
    now, end = round(available / FRAME_SECONDS), round(seconds / FRAME_SECONDS)
    if runs and sum(runs) >= now - 1:
        runs[-1] += max(end - sum(runs), 0)
    elif end > now:
        runs += [max(now - sum(runs), 0), end - now]
    return struct.pack(f"<{len(runs)}H", *(min(run, MAX_RUN) for run in runs))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # `wait_for` would cost a task
            await event.wait()
