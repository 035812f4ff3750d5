"""The period of a budget, and how far it is used up. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Period(StrEnum):
    """The time for which a budget holds, by the calendar of the deployment."""

    DAY = "day"
    MONTH = "month"

    def begin(self, day: date) -> date:
        """The first day of the period that a day belongs to."""
        return day if self is Period.DAY else day.replace(day=1)


class Level(StrEnum):
    """The level to which a budget is used up."""

    OK = "ok"
    WARNING = "warning"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class Spending:
    """The cost of ended calls, and what is set aside for those in progress."""

    spent: Decimal = Decimal()
    reserved: Decimal = Decimal()


def takes_a_call(limit: Decimal, spending: Spending) -> bool:
    """True if one more call may begin.

    Its own cost does not count, so a budget is exceeded by one call at most.
    """
    return spending.spent + spending.reserved < limit


def level_of(limit: Decimal, warning_percent: int, spent: Decimal) -> Level:
    """The level by what is spent; calls in progress do not count before they end."""
    if spent >= limit:
        return Level.REACHED
    is_near = spent * 100 >= limit * warning_percent
    return Level.WARNING if is_near else Level.OK


def to_reserve(
    dearest: Decimal | None, longest_minutes: int, minute: Decimal
) -> Decimal:
    """The amount that is set aside for a call: as much as the dearest of late.

    While too few calls are known, it is the most that a call can cost: its longest time
    at the price of a minute.
    """
    return minute * longest_minutes if dearest is None else dearest
