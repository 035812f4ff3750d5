"""When a segment that no event ends is released: the question and its answers. Pure.

`Segmenter` collects sound and words, and asks its policy after every sound and when the
policy wants to be asked in a quiet stream.
"""

from dataclasses import dataclass, field
from typing import Protocol

from bots.audio.pcm import Pcm


@dataclass(frozen=True, slots=True)
class SegmentState:
    """The sentence being collected; all lengths in seconds.

    `text` are the words of the sound that waits to be released, as far as they are
    known. `released` and `released_text` are what was released of this sentence before.
    `gap` is what the stream lately leaves between two pieces of sound. `is_first` is
    true until a segment of this reply has been released.
    """

    text: str
    released: float
    released_text: str
    gap: float
    is_first: bool
    sample_rate: int
    audio: bytearray = field(repr=False)

    @property
    def waiting(self) -> float:
        """The length of the sound that waits."""
        return len(self.audio) / 2 / self.sample_rate

    @property
    def sound(self) -> Pcm:
        """The sound that waits, copied."""
        end = len(self.audio) & ~1  # half a sample stays
        return Pcm(self.sample_rate, bytes(memoryview(self.audio)[:end]))


@dataclass(frozen=True, slots=True)
class Split:
    """Release the first `seconds` of the sound, with the leading `words`."""

    seconds: float
    words: str


class EndPolicy(Protocol):
    """Decides where segments end: True releases all that waits, False nothing."""

    def after_sound(self, state: SegmentState) -> bool | Split:
        """A piece of sound has just come."""

    def after_quiet(self, state: SegmentState, quiet: float) -> bool | Split:
        """No sound has come for `quiet` seconds."""

    def look_after(self, state: SegmentState, quiet: float) -> float | None:
        """How quiet the stream must be, if it is so for `quiet`, to ask again."""

    def learn(self, text: str, seconds: float) -> None:
        """A sentence is over: its words took so many seconds."""
