"""The steps after a late or failed answer, from a hedge to hanging up. Pure.

A hedge asks another model while the first one may still answer. The first sound of an
answer must come within `FIRST_AUDIO_TIMEOUT`. All retries together may take
`FALLBACK_BUDGET` from the first failure; then the bot apologises.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

# How long a caller waits for the first sound of an answer, in seconds.
FIRST_AUDIO_TIMEOUT = 5.0
# The same for a caller who keeps on speaking meanwhile.
MAX_WAIT_SECONDS = 15.0
# From the first failure of an answer to the apology, in seconds.
FALLBACK_BUDGET = 2.0
# Failed answers in a row before the caller is transferred, and before the bot hangs up.
TRANSFER_AFTER = 2
HANG_UP_AFTER = 3


class FallbackStep(StrEnum):
    """Steps on the way to an answer. The values are keys of a turn's `latency_ms`."""

    HEDGE = "hedge"
    RETRY = "retry"
    FALLBACK = "fallback"
    APOLOGY = "apology"
    TRANSFER = "transfer"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The step to take at `at`; an empty `model` is the bot's own."""

    step: FallbackStep
    at: float
    model: str = ""


@dataclass(slots=True)
class FallbackPolicy:
    """Chooses the next step after a failure, and counts failures in a row."""

    fallback_models: tuple[str, ...] = ()
    hedge_after: float = math.inf  # the seconds to the first token before a hedge
    due_at: float | None = None  # the deadline for the first sound of the answer
    last_due_at: float = math.inf  # its limit, however often the caller speaks again
    failed_at: float | None = None  # when this answer failed first
    retried: bool = False
    models: list[str] = field(default_factory=list)  # not tried yet
    hedge_at: float = math.inf  # when another model is asked, too
    is_hedged: bool = False
    failures: int = 0  # answers in a row that failed for good
    steps_taken: dict[str, float] = field(default_factory=dict)  # for this answer

    def begin(self, at: float) -> None:
        """The caller asked something."""
        # A caller who speaks again extends the deadline, up to a limit.
        if self.due_at is None:
            self.last_due_at = at + MAX_WAIT_SECONDS
        self.due_at = min(at + FIRST_AUDIO_TIMEOUT, self.last_due_at)
        self.failed_at = None
        self.retried = False
        self.models = list(self.fallback_models)
        self.hedge_at = at + self.hedge_after if self.models else math.inf
        self.is_hedged = False
        self.steps_taken = {}

    def succeeded(self) -> None:
        """The caller is about to hear something of the answer."""
        self.due_at = None
        self.failures = 0

    @property
    def hedge_due_at(self) -> float:
        """When to ask another model, too; infinity if that is not needed."""
        return math.inf if self.due_at is None else self.hedge_at

    def first_token(self) -> None:
        """The model has begun to write: no hedge is needed."""
        self.hedge_at = math.inf

    def hedge(self, at: float) -> str:
        """The model to ask at the same time."""
        self.hedge_at, self.is_hedged = math.inf, True
        self.steps_taken[FallbackStep.HEDGE] = at
        return self.models.pop(0)

    def failed(
        self,
        at: float,
        *,
        can_transfer: bool = False,
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> NextAttempt:
        """Choose the next step after an attempt that failed."""
        if self.failed_at is None:
            self.failed_at = at
        self.hedge_at = math.inf
        self.due_at = until = self.failed_at + FALLBACK_BUDGET
        wait = (retry_after or 0.0) if retryable else math.inf
        attempt = self._retry(at, at + wait, until)
        attempt = attempt or self._last_step(at, can_transfer=can_transfer)
        self.steps_taken.setdefault(attempt.step, attempt.at)
        return attempt

    def _retry(self, at: float, retry_at: float, until: float) -> NextAttempt | None:
        # After a hedge, two models were asked already.
        is_first, self.retried = not (self.retried or self.is_hedged), True
        if is_first and retry_at < until:
            return NextAttempt(FallbackStep.RETRY, retry_at)
        if self.models and at < until:
            return NextAttempt(FallbackStep.FALLBACK, at, self.models.pop(0))
        return None

    def _last_step(self, at: float, *, can_transfer: bool) -> NextAttempt:
        self.due_at = None
        self.failures += 1
        if self.failures >= TRANSFER_AFTER and can_transfer:
            return NextAttempt(FallbackStep.TRANSFER, at)
        if self.failures >= HANG_UP_AFTER:
            return NextAttempt(FallbackStep.HANG_UP, at)
        return NextAttempt(FallbackStep.APOLOGY, at)
