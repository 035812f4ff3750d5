"""Speech at the rate a phone line carries."""

from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from django.conf import settings

from bots.audio import mulaw
from bots.audio.pcm import Pcm
from bots.audio.wav import wav
from calls.turns.word_timing import FRAME_SECONDS

# Of a clip's loud moments: what is softer is a pause, a breath or the line's hiss.
QUIET = 0.04
# In frames.
MIN_PAUSE_FRAMES = 5

Edges = np.ndarray[tuple[int], np.dtype[np.intp]]
Frames = np.ndarray[tuple[int], np.dtype[np.int32]]


def at_rate(pcm: Pcm, sample_rate: int) -> Pcm:
    """Resample to `sample_rate` (Hz) at soxr's high quality."""
    if pcm.sample_rate == sample_rate or not pcm.data:
        return Pcm(sample_rate, pcm.data)
    samples = np.frombuffer(pcm.data, dtype="<i2")
    resampled = soxr.resample(samples, pcm.sample_rate, sample_rate, quality="HQ")
    return Pcm(sample_rate, resampled.astype("<i2", copy=False).tobytes())


def silence(seconds: float, sample_rate: int) -> Pcm:
    """Nothing to hear."""
    return Pcm(sample_rate, bytes(2 * round(seconds * sample_rate)))


def clip_file(pcm: Pcm) -> bytes:
    """The WAV file of a clip, in the encoding of the deployment."""
    if settings.CLIP_ENCODING == "mulaw":
        return wav(mulaw.encode(pcm.data), pcm.sample_rate, "mulaw")
    return wav(pcm.data, pcm.sample_rate)


def speech_frames(pcm: Pcm) -> bytes:
    """When the voice sounds and when it rests, for `word_timing.words_within`.

    Lengths in frames of 20 ms, 16 bits each: silence, sound, silence, sound, and so on.
    """
    return np.diff(_edges(pcm), prepend=0).astype("<u2").tobytes()


def pauses(pcm: Pcm) -> list[float]:
    """The middles (seconds) of the pauses between sounds."""
    edges = _edges(pcm)
    middles = (edges[1:-1:2] + edges[2::2]) / 2
    return [float(middle) * FRAME_SECONDS for middle in middles]


def loudness(pcm: Pcm) -> int:
    """The loudest sample, of 32,768."""
    return int(_peaks(pcm).max(initial=0))


def trailing_silence(pcm: Pcm) -> float:
    """How long (seconds) it has been silent at the end; 0 where nothing sounded."""
    sounding = np.flatnonzero(_loud_frames(_peaks(pcm), np.max))
    if not len(sounding):
        return 0.0
    return pcm.seconds - (float(sounding[-1]) + 1) * FRAME_SECONDS


def _edges(pcm: Pcm) -> Edges:
    """Where sound begins and ends, by turns, in frames from the start."""
    sounds = _loud_frames(_peaks(pcm), _loud)
    edges = np.flatnonzero(np.diff(sounds, prepend=False, append=False))
    if not len(edges):
        return edges
    # Between two sounds of one word there may be silence too: a "t" begins with it.
    pauses = edges[2::2] - edges[1:-1:2] >= MIN_PAUSE_FRAMES
    kept = np.concatenate(([True], np.repeat(pauses, 2), [True]))
    return edges[kept]


def _peaks(pcm: Pcm) -> Frames:
    """The loudest sample of each frame."""
    frame = round(FRAME_SECONDS * pcm.sample_rate)
    frames = len(pcm.data) // 2 // frame
    samples = np.frombuffer(pcm.data, dtype="<i2", count=frames * frame)
    by_frame = samples.reshape(frames, frame)
    # The absolute value of the lowest 16-bit sample is not one.
    high, low = by_frame.max(axis=1), by_frame.min(axis=1)
    peaks: Frames = np.maximum(high.astype(np.int32), -low.astype(np.int32))
    return peaks


def _loud_frames(peaks: Frames, loudness: Callable[[Frames], Any]) -> Any:
    """Which frames are louder than a pause."""
    if not peaks.any():
        return np.zeros(len(peaks), dtype=bool)
    return peaks > QUIET * loudness(peaks)


def _loud(peaks: Frames) -> Any:
    """How loud the loud moments are, a click left out."""
    place = round(0.95 * (len(peaks) - 1))
    return np.partition(peaks, place)[place]  # much cheaper than np.percentile
