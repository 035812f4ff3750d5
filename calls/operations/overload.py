"""Decides when a process lags so much that it must take no further calls. Pure."""

from collections import deque
from dataclasses import dataclass, field

# The 95th percentile (s) of the latest lags above which a process is overloaded, and
# how long it must be so: a single pause of the whole machine is no overload.
LAG = 0.1
LAG_SECONDS = 3.0
# The percentile below which, and how long, it must be to take calls again.
CALM = 0.05
CALM_SECONDS = 10.0
# Lags looked at: five seconds of an event loop that is on time.
SAMPLES = 20


@dataclass(slots=True)
class Overload:
    """The state of a process by the lag of its event loop; times are monotonic."""

    is_overloaded: bool = False
    lags: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    turning_since: float | None = None  # since when the lags speak for the other state

    def record(self, lag: float, now: float) -> bool:
        """Add a lag (s); True if the process became overloaded, or is no longer."""
        self.lags.append(lag)
        p95 = self.p95
        if not (p95 < CALM if self.is_overloaded else p95 > LAG):
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
