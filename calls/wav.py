"""PCM to WAV: pure bytes, no dependencies."""

import struct


def wav(pcm: bytes, sample_rate: int) -> bytes:
    """Wrap 16-bit little-endian mono PCM (`sample_rate` in Hz) into a WAV file."""
    return (
        struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", 36 + len(pcm), b"WAVE"),
            *(b"fmt ", 16, 1, 1, sample_rate, sample_rate * 2, 2, 16),
            *(b"data", len(pcm)),
        )
        + pcm
    )
