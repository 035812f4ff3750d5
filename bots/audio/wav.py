"""Sound as a WAV file: pure bytes, no dependencies."""

import struct
import wave
from io import BytesIO
from typing import Literal

from bots.audio import mulaw

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


def encode(pcm: bytes, encoding: str, sample_rate: int) -> bytes:
    """16-bit mono PCM as WAV, LINEAR16 (a WAV to Inworld), MULAW or PCM."""
    if encoding in ("WAV", "LINEAR16"):
        return _wav(pcm, sample_rate)
    return mulaw.encode(pcm) if encoding == "MULAW" else pcm


def _wav(pcm: bytes, sample_rate: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(sample_rate)
        wav.writeframes(pcm)
    return file.getvalue()
