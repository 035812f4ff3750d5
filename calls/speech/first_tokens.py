"""The usual time until a bot's model begins an answer, by its latest ones. Pure."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil

# The number of answers that say what is usual.
MAX_ANSWERS = 100
# The share of answers that begin within the usual time.
USUAL_SHARE = 0.95
# No first token is late before this (s).
MIN_LATE_SECONDS = 1.2


@dataclass(slots=True)
class FirstTokens:
    """Seconds from a request to the first token of its answer, the latest last."""

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_ANSWERS))

    @property
    def late_after(self) -> float:
        """After how many seconds a first token is later than usual."""
        rank = ceil(USUAL_SHARE * len(self.seconds)) - 1
        usual = sorted(self.seconds)[rank] if self.seconds else 0.0
        return max(usual, MIN_LATE_SECONDS)

    def learn(self, asked_at: float, began_at: float | None, at: float) -> None:
        """Add an answer.

        One that was stopped before its first token counts as far as it was waited for,
        if that is longer than usual. Otherwise only fast answers would be counted.
        """
        if began_at is not None:
            self.seconds.append(began_at - asked_at)
        elif at - asked_at > self.late_after:
            self.seconds.append(at - asked_at)
