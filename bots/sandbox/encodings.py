"""PCM in the envelopes that Inworld's speech API offers and the sandbox can make."""

import wave
from io import BytesIO

import numpy as np


def encode(pcm: bytes, encoding: str, sample_rate: int) -> bytes:
    """16-bit mono PCM as WAV, LINEAR16 (a WAV to Inworld), MULAW or PCM."""
    if encoding in ("WAV", "LINEAR16"):
        return _wav(pcm, sample_rate)
    return _mulaw(pcm) if encoding == "MULAW" else pcm


def _wav(pcm: bytes, sample_rate: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(sample_rate)
        wav.writeframes(pcm)
    return file.getvalue()


def _mulaw(pcm: bytes) -> bytes:
    # G.711: a sign, a power of two and four bits after it, all inverted. (`audioop`,
    # which had it, left the standard library.)
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    sign = np.where(samples < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(samples), 32_635) + 132
    exponent = np.log2(magnitude).astype(np.int32) - 7
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return bytes((~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8))
