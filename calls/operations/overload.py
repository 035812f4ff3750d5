"""Decides when a process lags so much that it must take no further calls. Pure."""

from collections import deque
from dataclasses import dataclass, field

# How long the 95th percentile of the latest lags must be above the limit: a single
# pause of the whole machine is no overload.
LAG_SECONDS = 3.0
# How long it must be below half the limit, for the process to take calls again.
CALM_SECONDS = 10.0
# Lags looked at: five seconds of an event loop that is on time.
SAMPLES = 20


@dataclass(slots=True)
class Overload:
    """The state of a process by the lag of its event loop; times are monotonic.

    `limit` is a lag in seconds; 0 means that the process is never overloaded.
    """

    limit: float
    is_overloaded: bool = False
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    turning_since: float | None = None  # since when the lags speak for the other state

    def record(self, lag: float, now: float) -> bool:
        """Add a lag (s); True if the process became overloaded, or is no longer."""
        self.lags.append(lag)
        p95 = self.p95
        turns = p95 < self.limit / 2 if self.is_overloaded else p95 > self.limit > 0
        if not turns:
            self.turning_since = None
            return False
        self.turning_since = now if self.turning_since is None else self.turning_since
        needed = CALM_SECONDS if self.is_overloaded else LAG_SECONDS
        if now - self.turning_since < needed:
            return False
        self.is_overloaded, self.turning_since = not self.is_overloaded, None
        return True

    @property
    def p95(self) -> float:
        """The 95th percentile of the latest lags; the worst one never counts."""
        if len(self.lags) < 2:
            return 0.0
        rank = -(-95 * len(self.lags) // 100) - 1
        return sorted(self.lags)[min(rank, len(self.lags) - 2)]
