"""Speech at the rate that a phone line carries."""

import numpy as np
import soxr

from bots.audio.pcm import TELEPHONE_RATE, Pcm


def at_telephone_rate(pcm: Pcm) -> Pcm:
    """Resample at soxr's high quality."""
    if pcm.sample_rate == TELEPHONE_RATE or not pcm.data:
        return Pcm(TELEPHONE_RATE, pcm.data)
    samples = np.frombuffer(pcm.data, dtype="<i2")
    resampled = soxr.resample(samples, pcm.sample_rate, TELEPHONE_RATE, quality="HQ")
    return Pcm(TELEPHONE_RATE, resampled.astype("<i2", copy=False).tobytes())


def silence(seconds: float, sample_rate: int = TELEPHONE_RATE) -> Pcm:
    return Pcm(sample_rate, bytes(2 * round(seconds * sample_rate)))
