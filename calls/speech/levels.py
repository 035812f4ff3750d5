"""The loudness of speech over time: pauses, silence, rhythm. Pure."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bots.audio.pcm import Pcm
from calls.turns.word_timing import FRAME_SECONDS

# A frame softer than this share of a clip's loudness is a pause, a breath or a hiss.
QUIET = 0.04
# Shorter silences belong to a word: a "t" begins with one. In frames.
MIN_PAUSE_FRAMES = 5

Edges = np.ndarray[tuple[int], np.dtype[np.intp]]
Frames = np.ndarray[tuple[int], np.dtype[np.int32]]


@dataclass(slots=True, eq=False)
class Levels:
    """The loudest sample of each frame of FRAME_SECONDS, of a sound that may grow."""

    sample_rate: int
    peaks: Frames = field(default_factory=lambda: np.empty(0, np.int32), repr=False)
    _size: int = 0  # of the sound in bytes
    _rest: bytes = field(default=b"", repr=False)  # less than a frame, not measured yet

    def feed(self, data: bytes) -> None:
        """Measure what is new of the sound."""
        self._size += len(data)
        waiting = self._rest + data
        length = round(FRAME_SECONDS * self.sample_rate)
        count = len(waiting) // 2 // length
        samples = np.frombuffer(waiting, dtype="<i2", count=count * length)
        self.peaks = np.concatenate((self.peaks, _peaks(samples.reshape(-1, length))))
        self._rest = waiting[2 * count * length :]

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return self._size / 2 / self.sample_rate

    @property
    def loudest(self) -> int:
        """The loudest sample, of 32,768."""
        return int(self.peaks.max(initial=0))

    def trailing_silence(self, within: float) -> float:
        """Seconds of silence at the end, next to the loudness of the last `within`.

        0 if there is no other sound in them.
        """
        last = self.peaks[-round(within / FRAME_SECONDS) :]
        sounding = np.flatnonzero(last > QUIET * last.max(initial=0))
        if not len(sounding):
            return 0.0
        silent = len(last) - 1 - float(sounding[-1])
        return self.seconds - (len(self.peaks) - silent) * FRAME_SECONDS

    @property
    def sounding_seconds(self) -> float:
        """The length of the sound without its pauses."""
        edges = self._edges()
        return float((edges[1::2] - edges[::2]).sum()) * FRAME_SECONDS

    @property
    def pauses(self) -> list[float]:
        """The middles (seconds) of the pauses between sounds."""
        edges = self._edges()
        middles = (edges[1:-1:2] + edges[2::2]) / 2
        return [float(middle) * FRAME_SECONDS for middle in middles]

    @property
    def speech_frames(self) -> bytes:
        """When the voice sounds and when it rests, for `word_timing.words_within`.

        Lengths in frames, 16 bits each: silence, sound, silence, sound, and so on.
        """
        return np.diff(self._edges(), prepend=0).astype("<u2").tobytes()

    def _edges(self) -> Edges:
        """Frames at which sound begins and ends, by turns."""
        sounds = self.peaks > QUIET * self._usual_loudness()
        edges = np.flatnonzero(np.diff(sounds, prepend=False, append=False))
        if not len(edges):
            return edges
        are_pauses = edges[2::2] - edges[1:-1:2] >= MIN_PAUSE_FRAMES
        return edges[np.concatenate(([True], np.repeat(are_pauses, 2), [True]))]

    def _usual_loudness(self) -> Any:
        """The loudness of the loud frames, without a click."""
        if not len(self.peaks):
            return 0
        rank = round(0.95 * (len(self.peaks) - 1))
        return np.partition(self.peaks, rank)[rank]  # much cheaper than np.percentile


def analyse(pcm: Pcm) -> Levels:
    """Measure a whole sound."""
    levels = Levels(pcm.sample_rate)
    levels.feed(pcm.data)
    return levels


def _peaks(by_frame: np.ndarray[tuple[int, int], np.dtype[np.int16]]) -> Frames:
    # The absolute value of the lowest 16-bit sample does not fit into 16 bits.
    high, low = by_frame.max(axis=1), by_frame.min(axis=1)
    peaks: Frames = np.maximum(high.astype(np.int32), -low.astype(np.int32))
    return peaks
