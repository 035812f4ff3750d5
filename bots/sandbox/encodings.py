"""PCM in the envelopes that Inworld's speech API offers and the sandbox can make."""

import wave
from io import BytesIO

from bots.audio import mulaw


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
