"""Speech at the rate a phone line carries."""

import numpy as np
import soxr

from bots.inworld.pcm import Pcm


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
