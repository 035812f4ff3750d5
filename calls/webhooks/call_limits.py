"""Limits on calls at once, in an hour, and on minutes in a day. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class LimitExceeded(StrEnum):
    """The limit that a call exceeds; the value completes "too many …" in the log."""

    OF_NUMBER = "calls of the number"
    OF_CALLER = "calls of the caller"
    OF_HIDDEN = "calls from hidden numbers"
    CALLER_MINUTES = "minutes of the caller within a day"
    MINUTES = "minutes of all calls within a day"
    OF_SERVER = "calls in this process"


@dataclass(frozen=True, slots=True)
class CurrentLoad:
    """Counts of earlier calls: of the number that was called, of the caller, of all."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0
    caller_minutes: float = 0
    minutes: float = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The highest counts allowed; 0 means no limit.

    All callers with hidden numbers are one caller, with limits of their own.
    """

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0
    caller_minutes: int = 0
    minutes: int = 0
    is_hidden: bool = False

    @property
    def concerns_caller(self) -> bool:
        """True if earlier calls of the caller count."""
        return any((self.of_caller, self.of_caller_last_hour, self.caller_minutes))

    def exceeded(self, load: CurrentLoad) -> LimitExceeded | None:
        """The limit that one more call would exceed; the caller's limits come first."""
        exceeded = LimitExceeded
        of_caller = exceeded.OF_HIDDEN if self.is_hidden else exceeded.OF_CALLER
        counts = (
            (of_caller, self.of_caller, load.of_caller),
            (of_caller, self.of_caller_last_hour, load.of_caller_last_hour),
            (exceeded.CALLER_MINUTES, self.caller_minutes, load.caller_minutes),
            (exceeded.MINUTES, self.minutes, load.minutes),
            (exceeded.OF_NUMBER, self.of_number, load.of_number),
        )
        reached = (which for which, limit, count in counts if 0 < limit <= count)
        return next(reached, None)
