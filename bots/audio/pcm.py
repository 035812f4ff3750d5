"""Speech as samples: 16-bit little-endian mono PCM."""

from dataclasses import dataclass

# Hz; a phone line carries no more.
TELEPHONE_RATE = 8000


@dataclass(frozen=True, slots=True)
class Pcm:
    """16-bit little-endian mono samples at `sample_rate` Hz."""

    sample_rate: int
    data: bytes

    @property
    def seconds(self) -> float:
        return len(self.data) / 2 / self.sample_rate
