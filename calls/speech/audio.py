"""Speech at the rate that a phone line carries."""

from math import ceil, gcd

import numpy as np
import soxr

from bots.audio.pcm import TELEPHONE_RATE, Pcm

# Half the length of the filter, with a margin.
CONTEXT_SECONDS = 0.012


def at_telephone_rate(pcm: Pcm) -> Pcm:
    """Resample at soxr's high quality."""
    if pcm.sample_rate == TELEPHONE_RATE or not pcm.data:
        return Pcm(TELEPHONE_RATE, pcm.data)
    samples = np.frombuffer(pcm.data, dtype="<i2")
    resampled = soxr.resample(samples, pcm.sample_rate, TELEPHONE_RATE, quality="HQ")
    return Pcm(TELEPHONE_RATE, resampled.astype("<i2", copy=False).tobytes())


def silence(seconds: float, sample_rate: int = TELEPHONE_RATE) -> Pcm:
    return Pcm(sample_rate, bytes(2 * round(seconds * sample_rate)))


class StreamResampler:
    """`at_telephone_rate` for sound that arrives in pieces.

    The filter needs some sound after each sample, so the latest CONTEXT_SECONDS wait
    for the next piece. The result is that of the whole sound, but for rounding. soxr's
    own `ResampleStream` holds back 0.16 s of sound at 48 kHz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        common = gcd(sample_rate, TELEPHONE_RATE)
        # So many samples in become so many samples out, exactly.
        self.step_in, self.step_out = sample_rate // common, TELEPHONE_RATE // common
        self.context = ceil(CONTEXT_SECONDS * sample_rate / self.step_in)  # steps
        self.waiting = bytearray()
        self.done = 0  # steps of what waits that were returned before

    def feed(self, data: bytes) -> bytes:
        """Add samples; return those that are ready, at the telephone rate."""
        self.waiting += data
        end = len(self.waiting) // 2 // self.step_in - self.context
        if end <= self.done:
            return b""
        start, stop = self._bytes_out(self.done), self._bytes_out(end)
        ready = self._resampled()[start:stop]
        over = max(end - self.context, 0)
        del self.waiting[: 2 * self.step_in * over]
        self.done = end - over
        return ready

    def end(self) -> bytes:
        """Return the rest: nothing more will come."""
        rest = self._resampled()[self._bytes_out(self.done) :]
        self.waiting.clear()
        self.done = 0
        return rest

    def _bytes_out(self, steps: int) -> int:
        return 2 * self.step_out * steps

    def _resampled(self) -> bytes:
        whole = bytes(self.waiting[: len(self.waiting) & ~1])
        return at_telephone_rate(Pcm(self.sample_rate, whole)).data
