"""Limits on concurrent and hourly calls of one caller or one number. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class LimitExceeded(StrEnum):
    """The limit that a call exceeds; the value completes "too many …" in the log."""

    OF_NUMBER = "calls of the number"
    OF_CALLER = "calls of the caller"
    OF_SERVER = "calls in this process"


@dataclass(frozen=True, slots=True)
class CurrentLoad:
    """Counts of earlier calls: of the number that was called, and of the caller."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """The highest counts allowed; 0 means no limit."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0

    def exceeded(self, load: CurrentLoad) -> LimitExceeded | None:
        """The limit that one more call would exceed; the caller's limits come first."""
        if _is_reached(self.of_caller, load.of_caller):
            return LimitExceeded.OF_CALLER
        if _is_reached(self.of_caller_last_hour, load.of_caller_last_hour):
            return LimitExceeded.OF_CALLER
        if _is_reached(self.of_number, load.of_number):
            return LimitExceeded.OF_NUMBER
        return None


def _is_reached(limit: int, count: int) -> bool:
    return 0 < limit <= count
