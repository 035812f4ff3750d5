"""Speech at the rate and in the encoding that a phone line carries."""

import numpy as np
import soxr
from django.conf import settings

from bots.audio import mulaw
from bots.audio.pcm import Pcm
from bots.audio.wav import wav


def at_rate(pcm: Pcm, sample_rate: int) -> Pcm:
    """Resample to `sample_rate` (Hz) at soxr's high quality."""
    if pcm.sample_rate == sample_rate or not pcm.data:
        return Pcm(sample_rate, pcm.data)
    samples = np.frombuffer(pcm.data, dtype="<i2")
    resampled = soxr.resample(samples, pcm.sample_rate, sample_rate, quality="HQ")
    return Pcm(sample_rate, resampled.astype("<i2", copy=False).tobytes())


def silence(seconds: float, sample_rate: int) -> Pcm:
    return Pcm(sample_rate, bytes(2 * round(seconds * sample_rate)))


def clip_file(pcm: Pcm) -> bytes:
    """The WAV file of a clip, encoded as the setting CLIP_ENCODING says."""
    if settings.CLIP_ENCODING == "mulaw":
        return wav(mulaw.encode(pcm.data), pcm.sample_rate, "mulaw")
    return wav(pcm.data, pcm.sample_rate)
