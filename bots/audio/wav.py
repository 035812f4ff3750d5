"""WAV files of one channel: writing them, reading them, and unwrapping a server's.

`wav` writes a file and `read` reads one of ours, strictly. `unwrap` accepts what a
server sends, whose headers are often wrong about its length.
"""

import struct
import wave
from dataclasses import dataclass
from io import BytesIO

from bots.audio.containers import container_of
from bots.audio.pcm import Pcm

FORMAT = struct.Struct("<HHIIHH")
RIFF_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 8
PCM = 1
# The format tag of a longer header, which has the real tag in an identifier of 16
# bytes: at 24 the tag, and then always the same.
EXTENSIBLE = 0xFFFE
SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
# The sample rates that Inworld offers, in Hz.
PLAUSIBLE_RATES = range(8_000, 48_001)
# A writer that does not know the length yet declares 0, 0x7FFFFFFF or 0xFFFFFFFF.
UNKNOWN_SIZE = 2**30
STREAM_SIZE = b"\xff\xff\xff\xff"
RIFF_SIZE_AT = 4


class BadWav(ValueError):
    """Not a WAV file of the sound that is expected; says why."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A file's rate, and its sound: where it starts, and its declared size."""

    sample_rate: int
    start: int
    size: int


def wav(samples: bytes, sample_rate: int) -> bytes:
    """Wrap 16-bit little-endian mono samples into a WAV file; `sample_rate` in Hz.

    Half a sample at the end is left out: RIFF wants chunks of even size. PCM needs no
    fact chunk; mu-law would, and is never written to a file.
    """
    body = BytesIO()
    with wave.open(body, "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", ""))
        file.writeframes(samples[: len(samples) & ~1])
    return body.getvalue()


def stream_header(sample_rate: int) -> bytes:
    """The beginning of a file whose length is not known yet, in Hz.

    Both sizes are 0xFFFFFFFF, as ffmpeg writes them to a pipe.
    """
    header = bytearray(wav(b"", sample_rate))
    header[RIFF_SIZE_AT : RIFF_SIZE_AT + 4] = header[-4:] = STREAM_SIZE
    return bytes(header)


def read(body: bytes) -> Pcm:
    """The samples of a complete file. Raises `BadWav`."""
    announced = int.from_bytes(body[4:8], "little") + CHUNK_HEADER_BYTES
    if body[:4] != b"RIFF" or announced != len(body):
        raise BadWav(f"not RIFF, or of {announced} bytes instead of {len(body)}")
    layout = _layout(body)
    sound = body[layout.start :]
    if len(sound) != layout.size or len(sound) % 2:
        raise BadWav(f"{len(sound)} bytes of sound instead of {layout.size}")
    return Pcm(layout.sample_rate, sound)


def has_header(data: bytes) -> bool:
    """True if data begins like a WAV file."""
    return data[:4] == b"RIFF"


def unwrap(data: bytes, *, complete: bool = False) -> Pcm:
    """The samples of a server's file, which must be 16-bit mono PCM. Raises `BadWav`.

    A piece of a stream may be without samples, or end in the middle of one. A
    `complete` file may not, nor be shorter than it says.
    """
    layout = _layout(data)
    sound = data[layout.start : _end_of_sound(data, layout.start, layout.size)]
    if complete:
        if len(sound) < layout.size < UNKNOWN_SIZE:
            raise BadWav(f"WAV with {len(sound)} of {layout.size} bytes of sound")
        sound = sound[: len(sound) & ~1]
        if not sound:
            raise BadWav("WAV without sound")
    return Pcm(layout.sample_rate, sound)


def _layout(data: bytes) -> _Layout:
    if not has_header(data) or data[8:RIFF_HEADER_BYTES] != b"WAVE":
        raise BadWav(f"{container_of(data) or 'something'} instead of WAV")
    rate, position = 0, RIFF_HEADER_BYTES
    while position + CHUNK_HEADER_BYTES <= len(data):
        name, size = _chunk(data, position)
        start = position + CHUNK_HEADER_BYTES
        if name == b"data" and rate:
            return _Layout(rate, start, size)
        if name == b"fmt ":
            rate = _sample_rate(data[start : start + size])
        position = start + size + size % 2
    raise BadWav("WAV that ends before its sound")


def _sample_rate(fields: bytes) -> int:
    """The rate of a format, which must be 16-bit mono PCM."""
    if len(fields) < FORMAT.size:
        raise BadWav("WAV with an incomplete header")
    tag, channels, rate, _, _, bits = FORMAT.unpack_from(fields)
    if tag == EXTENSIBLE and fields[26:40] == SUBFORMAT:
        tag = int.from_bytes(fields[24:26], "little")
    if (tag, channels, bits) != (PCM, 1, 16):
        raise BadWav(
            f"WAV of format {tag}, {bits} bits, {channels} channels "
            "instead of 16-bit mono PCM"
        )
    if rate not in PLAUSIBLE_RATES:
        raise BadWav(f"WAV of {rate} samples a second")
    return int(rate)


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
