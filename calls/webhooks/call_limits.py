"""TODO."""

from dataclasses import dataclass
from enum import StrEnum


class LimitExceeded(StrEnum):
    """Which cap a call is above."""

    OF_NUMBER = "calls of the number"
    OF_CALLER = "calls of the caller"
    OF_SERVER = "calls in this process"


@dataclass(frozen=True, slots=True)
class CurrentLoad:
    """Other calls, as one more comes in: of the number called, and of the caller."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How many calls there may be; 0 means any number."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_last_hour: int = 0

    def exceeded(self, load: CurrentLoad) -> LimitExceeded | None:
        """The cap that one more call would be above; the caller's own come first."""
        if _full(load.of_caller, self.of_caller):
            return LimitExceeded.OF_CALLER
        if _full(load.of_caller_last_hour, self.of_caller_last_hour):
            return LimitExceeded.OF_CALLER
        return (
            LimitExceeded.OF_NUMBER if _full(load.of_number, self.of_number) else None
        )


def _full(count: int, cap: int) -> bool:
    return 0 < cap <= count
