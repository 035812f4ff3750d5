"""A clip, and its place in Twilio's queue: how much of it was heard. Pure.

All times are seconds on one monotonic clock.
"""

import math
from dataclasses import dataclass

from calls.turns.word_timing import words_within

# Within this time from its start or end, a clip may be mistaken for its neighbour (s).
ENDING = 0.5
# A clip that must be fetched and is not, so long after its turn, is lost (s).
FETCH_TIMEOUT = 4.0
# The speaking rate of Twilio's own voice.
CHARACTERS_PER_SECOND = 15.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of speech that Twilio can play: one segment of a reply.

    `text` is what it says, `seconds` its length, `speech_frames` when it is not silent
    (see `calls.speech.audio`). `url` is empty if Twilio speaks the text with its own
    voice. Other calls use a `shared` clip, too, so it must not be deleted.

    While a clip grows, its first `available` seconds can be heard, and its other values
    are those that it will probably have.
    """

    id: str
    url: str
    text: str
    seconds: float
    speech_frames: bytes = b""
    shared: bool = False
    available: float | None = None

    @property
    def is_own(self) -> bool:
        """True for a clip of this call only, which can be deleted."""
        return bool(self.url) and not self.shared

    @property
    def is_growing(self) -> bool:
        """True while more sound is added to the clip."""
        return self.available is not None

    @property
    def audible_seconds(self) -> float:
        """The length of what can be heard by now."""
        return self.seconds if self.available is None else self.available


def twilio_tts_clip(text: str) -> Clip:
    """Return a clip that Twilio's own voice speaks; its length is an estimate."""
    return Clip("", "", text, len(text) / CHARACTERS_PER_SECOND)


@dataclass(slots=True)
class QueuedClip:
    """A clip in Twilio's queue; `heard` is in seconds, None while it may still play.

    `heard_before` is how much was heard before it was interrupted and replayed.
    `ended_by_clock` means that Twilio has not confirmed its end. The clock does not run
    for a clip that `needs_fetch` before Twilio has fetched it. A `streamed` clip grew
    when it was sent. `paused_at` is its position when Twilio fell silent meanwhile.
    """

    reply: int
    clip: Clip
    sent_at: float
    starts_at: float
    heard: float | None = None
    heard_before: float = 0.0
    ended_by_clock: bool = False
    needs_fetch: bool = False
    fetched: bool = False
    streamed: bool = False
    paused_at: float | None = None
    lost: str = ""  # why it was never played, in words for operators
    was_due: bool = False  # nothing had interrupted it when it was lost

    @property
    def ends_at(self) -> float:
        return self.starts_at + self.clip.seconds

    @property
    def awaits_fetch(self) -> bool:
        """True if it counts as played only after a download that has not come."""
        return self.needs_fetch and not self.fetched and self.heard is None

    @property
    def settles_at(self) -> float:
        """When it has ended, or counts as lost; unknown (infinite) while it grows."""
        if self.clip.is_growing:
            return math.inf
        return self.starts_at + FETCH_TIMEOUT if self.awaits_fetch else self.ends_at

    def position(self, at: float) -> float:
        """The seconds that have been played by now, by the clock."""
        return min(max(at - self.starts_at, 0.0), self.clip.audible_seconds)

    @property
    def heard_text(self) -> str:
        """The words of this clip that were played."""
        return "" if self.heard is None else self.words_in(self.heard)

    @property
    def is_unheard(self) -> bool:
        """True if a part was not heard. Without words, only its length tells."""
        if self.clip.text:
            return self.heard_text != self.clip.text
        return (self.heard or 0.0) < self.clip.seconds - ENDING

    def words_in(self, seconds: float) -> str:
        """The words in the first `seconds` of the clip."""
        clip = self.clip
        if seconds >= clip.seconds:
            return clip.text
        return words_within(clip.text, seconds, clip.seconds, clip.speech_frames)
