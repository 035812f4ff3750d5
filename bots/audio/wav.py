"""Sound as a WAV file: pure bytes, no dependencies."""

import struct
from typing import Literal

Encoding = Literal["pcm", "mulaw"]

# Format tag and bytes a sample, of one channel.
FORMATS: dict[Encoding, tuple[int, int]] = {"pcm": (1, 2), "mulaw": (7, 1)}


def wav(sound: bytes, sample_rate: int, encoding: Encoding = "pcm") -> bytes:
    """Wrap mono sound into a WAV file; `sample_rate` in Hz.

    `pcm` is 16-bit little-endian, `mulaw` a byte a sample.
    """
    tag, width = FORMATS[encoding]
    return (
        struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", 36 + len(sound), b"WAVE"),
            *(b"fmt ", 16, tag, 1, sample_rate, sample_rate * width, width, 8 * width),
            *(b"data", len(sound)),
        )
        + sound
    )


def encoding_of(body: bytes) -> Encoding:
    """How the sound of a file made by `wav` is encoded."""
    return "mulaw" if struct.unpack_from("<H", body, 20)[0] == 7 else "pcm"
