"""Rate limit of a relay socket, by token buckets. Pure.

Twilio stays far below the limits: a call sends a few frames a second, and a final
prompt every few seconds.
"""

from dataclasses import dataclass, field
from enum import Enum

# A frame costs one token, and one more for each full unit of bytes.
FRAME_UNIT = 4096
FRAMES_A_SECOND, FRAMES_AT_ONCE = 50.0, 2000.0
# More dropped frames than this do not come from Twilio: the socket is closed.
DROPS_A_SECOND, DROPS_AT_ONCE = 50.0, 2000.0
# Each one costs a request to the model.
PROMPTS_A_SECOND, PROMPTS_AT_ONCE = 2.0, 200.0


class FrameDecision(Enum):
    """The treatment of a frame: take, drop, or close the socket."""

    TAKE = "take"
    DROP = "drop"
    CLOSE = "close"


@dataclass(slots=True)
class TokenBucket:
    """Admits `rate` tokens a second, and up to `burst` at once after a pause."""

    rate: float
    burst: float
    tokens: float = field(init=False)
    filled_at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, at: float, cost: float = 1.0) -> bool:
        """Take `cost` tokens at a monotonic time; False if there are too few."""
        passed = 0.0 if self.filled_at is None else max(at - self.filled_at, 0.0)
        self.tokens = min(self.tokens + passed * self.rate, self.burst)
        self.filled_at = at if self.filled_at is None else max(at, self.filled_at)
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


class SocketRateLimit:
    """The limits of one relay socket; `dropped` counts frames above them."""

    def __init__(self) -> None:
        self.frames = TokenBucket(FRAMES_A_SECOND, FRAMES_AT_ONCE)
        self.drops = TokenBucket(DROPS_A_SECOND, DROPS_AT_ONCE)
        self.prompts = TokenBucket(PROMPTS_A_SECOND, PROMPTS_AT_ONCE)
        self.dropped = 0
        self.closed = False

    def frame(self, length: int, at: float) -> FrameDecision:
        """Decide on a frame of `length` bytes. CLOSE is returned only once."""
        if self.frames.take(at, 1 + length // FRAME_UNIT):
            return FrameDecision.TAKE
        self.dropped += 1
        if self.closed or self.drops.take(at):
            return FrameDecision.DROP
        self.closed = True
        return FrameDecision.CLOSE

    def prompt(self, at: float) -> bool:
        """True if one more final prompt may be answered."""
        if self.prompts.take(at):
            return True
        self.dropped += 1
        return False
