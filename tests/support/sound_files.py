"""The beginnings of files that are no samples, by the name of their format."""

import io
import json
import wave

# 128 kbit/s at 48 kHz, mono. A frame of zeros is silence.
MP3_FRAME = bytes.fromhex("fffb94c0") + bytes(380)
ID3 = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)

SOUND_FILES = {
    "MP3": MP3_FRAME * 5,
    "Ogg": b"OggS\0\x02" + bytes(20) + b"OpusHead",
    "FLAC": b"fLaC\0\0\0\x22" + bytes(34),
    "WebM": b"\x1aE\xdf\xa3\x9fB\x86\x81",
    "text": json.dumps({"code": 3, "message": "the voice is busy"}).encode(),
}


def stereo() -> bytes:
    """A WAV file of two channels."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(8))
    return file.getvalue()
