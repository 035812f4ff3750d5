"""Speech as samples: 16-bit little-endian mono PCM, with or without a WAV header."""

from dataclasses import dataclass

RIFF_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 8
PLAUSIBLE_RATES = range(4_000, 192_001)


@dataclass(frozen=True, slots=True)
class Pcm:
    """16-bit little-endian mono samples at `sample_rate` Hz."""

    sample_rate: int
    data: bytes

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.data) / 2 / self.sample_rate


def strip_header(data: bytes) -> tuple[bytes, int | None]:
    """Take a WAV header off; return the samples and the header's rate in Hz, if any."""
    if data[:4] != b"RIFF" or data[8:RIFF_HEADER_BYTES] != b"WAVE":
        return data, None
    rate, position = None, RIFF_HEADER_BYTES
    while position + CHUNK_HEADER_BYTES <= len(data):
        name, size = _chunk(data, position)
        body = position + CHUNK_HEADER_BYTES
        if name == b"data":
            return data[body : _end_of_samples(data, body, size)], rate
        if name == b"fmt ":
            declared = int.from_bytes(data[body + 4 : body + 8], "little")
            rate = declared if declared in PLAUSIBLE_RATES else None
        position = body + size + size % 2
    return b"", rate


def _end_of_samples(data: bytes, start: int, size: int) -> int:
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
