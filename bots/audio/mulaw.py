"""G.711 mu-law, the encoding of telephone lines: a byte a sample, 14 bits of range.

A byte holds a sign, a power of two and four bits after it, all inverted. The standard
library dropped `audioop`, which encoded it.
"""

import numpy as np

BIAS = 132
LOUDEST = 32_635


def encode(pcm: bytes) -> bytes:
    """16-bit little-endian samples to mu-law bytes."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    sign = np.where(samples < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(samples), LOUDEST) + BIAS
    exponent = np.log2(magnitude).astype(np.int32) - 7
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return bytes((~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8))
