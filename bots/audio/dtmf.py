"""The tones of a telephone's keys (ITU-T Q.23), as samples. Pure."""

import numpy as np

from bots.audio.pcm import TELEPHONE_RATE

TONE_SECONDS = 0.12
LEVEL = 6_000  # of 32,767, for each of the two frequencies
_LOW = {"123": 697, "456": 770, "789": 852, "*0#": 941}
_HIGH = (1209, 1336, 1477)
_FREQUENCIES = {
    key: (low, _HIGH[column])
    for row, low in _LOW.items()
    for column, key in enumerate(row)
}


def tone(key: str) -> bytes:
    """The tone of a key, 16-bit mono at telephone rate. Raises KeyError for others."""
    at = np.arange(round(TONE_SECONDS * TELEPHONE_RATE)) / TELEPHONE_RATE
    wave = sum(np.sin(2 * np.pi * hertz * at) for hertz in _FREQUENCIES[key])
    return bytes((LEVEL * np.asarray(wave)).astype("<i2").tobytes())
