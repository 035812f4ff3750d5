"""What to try when an answer fails: the rungs from a retry down to hanging up. Pure.

Every rung has its time: the first attempt until `LIVENESS`, everything after the
first failure until `BUDGET` later, when the caller hears an apology.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

# How long a caller who finished speaking waits for the first sound, in seconds.
FIRST_AUDIO_TIMEOUT = 5.0
# The same for one who keeps on speaking meanwhile.
MAX_WAIT_SECONDS = 15.0
# From the first failure of an answer to the apology, in seconds.
FALLBACK_BUDGET = 2.0
# Answers in a row that failed before the call is given up.
TRANSFER_AFTER = 2
HANG_UP_AFTER = 3


class FallbackStep(StrEnum):
    """What was resorted to; the values are the stages' names in a turn's latencies."""

    RETRY = "retry"
    FALLBACK = "fallback"
    APOLOGY = "apology"
    TRANSFER = "transfer"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The next thing to do, at `at`; `model` is empty for the bot's own."""

    rung: FallbackStep
    at: float
    model: str = ""


def nobody(at: float) -> bool:
    """Nobody can be reached, at any time."""
    return False


@dataclass(slots=True)
class FallbackPolicy:
    """Where one call stands on the ladder.

    `can_transfer` tells whether somebody is there, then, to put the caller through to.
    """

    fallback_models: tuple[str, ...] = ()
    can_transfer: Callable[[float], bool] = nobody
    due_at: float | None = None  # something must have been heard by then
    last_due_at: float = math.inf  # the same, however often more is asked
    failed_at: float | None = None  # when this answer failed first
    retried: bool = False
    models: list[str] = field(default_factory=list)
    failures: int = 0  # answers in a row that came to nothing
    steps_taken: dict[str, float] = field(default_factory=dict)  # rungs of this answer

    def begin(self, at: float) -> None:
        """The caller asked something."""
        # A caller who goes on asking puts the limit off, but not for ever.
        if self.due_at is None:
            self.last_due_at = at + MAX_WAIT_SECONDS
        self.due_at = min(at + FIRST_AUDIO_TIMEOUT, self.last_due_at)
        self.failed_at = None
        self.retried = False
        self.models = list(self.fallback_models)
        self.steps_taken = {}

    def succeeded(self) -> None:
        """Something of the answer is on its way to the caller."""
        self.due_at = None
        self.failures = 0

    def failed(
        self, at: float, *, retryable: bool = True, retry_after: float | None = None
    ) -> NextAttempt:
        """An attempt came to nothing: what is next."""
        if self.failed_at is None:
            self.failed_at = at
        self.due_at = until = self.failed_at + FALLBACK_BUDGET
        wait = (retry_after or 0.0) if retryable else math.inf
        step = self._attempt(at, at + wait, until) or self._last_step(at)
        self.steps_taken.setdefault(step.rung, step.at)
        return step

    def _attempt(self, at: float, retry_at: float, until: float) -> NextAttempt | None:
        first, self.retried = not self.retried, True
        if first and retry_at < until:
            return NextAttempt(FallbackStep.RETRY, retry_at)
        if self.models and at < until:
            return NextAttempt(FallbackStep.FALLBACK, at, self.models.pop(0))
        return None

    def _last_step(self, at: float) -> NextAttempt:
        self.due_at = None
        self.failures += 1
        if self.failures >= TRANSFER_AFTER and self.can_transfer(at):
            return NextAttempt(FallbackStep.TRANSFER, at)
        if self.failures >= HANG_UP_AFTER:
            return NextAttempt(FallbackStep.HANG_UP, at)
        return NextAttempt(FallbackStep.APOLOGY, at)
