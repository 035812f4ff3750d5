"""The sound that a streamed clip needs before its first byte leaves. Pure.

A clip that begins at once stands still whenever its sound comes late. The head start
covers the waits that the voice lately made in the middle of a sentence.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf
from statistics import median

# The head start while nothing is known, and the least (s).
UNKNOWN_SECONDS = 0.1
# Above this, a whole clip is hardly later, and has no gaps (s).
MAX_SECONDS = 0.6
# The waits of so many sentences are remembered; the longest may be an accident.
SENTENCES = 50
# A voice that is slower leaves too little sound behind an interruption to tell which
# words were heard, in times real time.
MIN_PACE = 2.0
# The head start is longer than the wait that it must cover, by this factor.
MARGIN = 1.2


@dataclass(slots=True)
class Delivery:
    """The arrival of one sentence's sound; all times in seconds.

    `longest_wait` is for how long playback would have had to stand still, if it had
    begun with any of the pieces, at the worst.
    """

    longest_wait: float = 0.0
    pace: float = inf  # in times real time
    _arrived_at: float = inf
    _wait: float = 0.0
    _spare: float = 0.0  # the length of the latest piece
    _began_at: float = inf
    _length: float = 0.0

    def add(self, seconds: float, at: float) -> None:
        """A piece of sound has arrived."""
        self._began_at = min(self._began_at, at)
        if at > self._began_at:
            self.pace = self._length / (at - self._began_at)
        self._length += seconds
        if self._arrived_at < inf:
            gap = at - self._arrived_at
            self._wait = gap + max(0.0, self._wait - self._spare)
            self.longest_wait = max(self.longest_wait, self._wait)
        self._arrived_at, self._spare = at, seconds


@dataclass(slots=True)
class HeadStart:
    """Learned from all sentences of a process."""

    latest: deque[Delivery] = field(default_factory=lambda: deque(maxlen=SENTENCES))

    def learn(self, delivery: Delivery) -> None:
        """Add a sentence, streamed or not."""
        self.latest.append(delivery)

    @property
    def seconds(self) -> float | None:
        """The sound to collect first; None if whole clips are the better way."""
        if len(self.latest) < 2:
            return UNKNOWN_SECONDS
        if median(delivery.pace for delivery in self.latest) < MIN_PACE:
            return None
        waits = sorted(delivery.longest_wait for delivery in self.latest)
        needed = MARGIN * waits[-2]
        return needed if needed <= MAX_SECONDS else None
