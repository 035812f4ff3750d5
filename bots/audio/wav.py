"""WAV files of one channel: writing them, reading them, and finding sound in streams.

`wav` writes a file and `read` reads a complete one, strictly. `strip_header` accepts
what a streaming server sends, whose headers are often wrong about their length.
"""

import wave
from io import BytesIO

from bots.audio.pcm import Pcm

RIFF_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 8
PLAUSIBLE_RATES = range(4_000, 192_001)


class BadWav(ValueError):
    """Not a complete WAV file of 16-bit mono sound; says why."""


def wav(samples: bytes, sample_rate: int) -> bytes:
    """Wrap 16-bit little-endian mono samples into a WAV file; `sample_rate` in Hz."""
    body = BytesIO()
    with wave.open(body, "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", ""))
        file.writeframes(samples)
    return body.getvalue()


def read(body: bytes) -> Pcm:
    """The samples of a complete file. Raises `BadWav`."""
    announced = int.from_bytes(body[4:8], "little") + CHUNK_HEADER_BYTES
    if body[:4] != b"RIFF" or announced != len(body):
        raise BadWav(f"not RIFF, or of {announced} bytes instead of {len(body)}")
    try:
        with wave.open(BytesIO(body)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise BadWav("not 16-bit mono")
            frames = file.getnframes()
            pcm = Pcm(file.getframerate(), file.readframes(frames))
    except (wave.Error, EOFError) as error:
        raise BadWav(f"not a WAV file: {error}") from error
    if len(pcm.data) != 2 * frames:
        raise BadWav(f"{len(pcm.data)} bytes of sound for {frames} samples")
    return pcm


def strip_header(data: bytes) -> tuple[bytes, int | None]:
    """Take a WAV header off; return the sound and the header's rate in Hz, if any.

    Data without a header is returned as it is.
    """
    if data[:4] != b"RIFF" or data[8:RIFF_HEADER_BYTES] != b"WAVE":
        return data, None
    rate, position = None, RIFF_HEADER_BYTES
    while position + CHUNK_HEADER_BYTES <= len(data):
        name, size = _chunk(data, position)
        body = position + CHUNK_HEADER_BYTES
        if name == b"data":
            return data[body : _end_of_sound(data, body, size)], rate
        if name == b"fmt ":
            declared = int.from_bytes(data[body + 4 : body + 8], "little")
            rate = declared if declared in PLAUSIBLE_RATES else None
        position = body + size + size % 2
    return b"", rate


def _end_of_sound(data: bytes, start: int, size: int) -> int:
    # A streamed header declares 0, 0xFFFFFFFF or the length of something else. Its
    # size is believed only where more chunks follow it and fill the rest exactly.
    position = start + size + size % 2
    while position + CHUNK_HEADER_BYTES <= len(data):
        name, more = _chunk(data, position)
        if not name.isascii() or not name.strip().isalnum():
            break
        position += CHUNK_HEADER_BYTES + more + more % 2
    return start + size if size and position == len(data) else len(data)


def _chunk(data: bytes, position: int) -> tuple[bytes, int]:
    size = int.from_bytes(data[position + 4 : position + 8], "little")
    return data[position : position + 4], size
