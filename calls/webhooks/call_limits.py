"""TODO."""

from dataclasses import dataclass
from enum import StrEnum


class TooMany(StrEnum):
    """Which cap a call is above."""

    OF_NUMBER = "calls of the number"
    OF_CALLER = "calls of the caller"
    OF_SERVER = "calls in this process"


@dataclass(frozen=True, slots=True)
class Load:
    """Other calls, as one more comes in: of the number called, and of the caller."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_lately: int = 0


@dataclass(frozen=True, slots=True)
class CallCaps:
    """How many calls there may be; 0 means any number."""

    of_number: int = 0
    of_caller: int = 0
    of_caller_lately: int = 0

    def exceeded(self, load: Load) -> TooMany | None:
        """The cap that one more call would be above; the caller's own come first."""
        if _full(load.of_caller, self.of_caller):
            return TooMany.OF_CALLER
        if _full(load.of_caller_lately, self.of_caller_lately):
            return TooMany.OF_CALLER
        return TooMany.OF_NUMBER if _full(load.of_number, self.of_number) else None


def _full(count: int, cap: int) -> bool:
    return 0 < cap <= count
