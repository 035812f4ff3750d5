"""The cost of usage: a line for each kind and item, and their sum. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from calls.prices.price_book import PriceBook
from calls.prices.usage import Kind, Usage

# Digits after the point of a stored amount.
DIGITS = Decimal("0.00000001")
NO_PRICE = "no price"
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Line:
    """The cost of one kind and item. `units` are minutes, or millions.

    `unknown` says why a part of it is unknown. `amount` is the part that is known.
    """

    kind: Kind
    item: str
    units: Decimal
    price: Decimal | None
    amount: Decimal
    unknown: str = ""

    def to_json(self) -> dict[str, Any]:
        """The line as it is stored; decimals are texts, which no reader rounds."""
        return {
            "kind": self.kind,
            "item": self.item,
            "units": _digits(self.units),
            "price": None if self.price is None else _digits(self.price),
            "amount": _digits(self.amount),
            "unknown": self.unknown,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """The known part of a cost; it `is_partial` if there are unknown parts, too."""

    amount: Decimal = Decimal()
    is_partial: bool = False

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.amount + other.amount, self.is_partial or other.is_partial)

    @property
    def is_unknown(self) -> bool:
        """True if nothing of it is known."""
        return self.is_partial and not self.amount


def lines_of(usages: Iterable[Usage], book: PriceBook, day: date) -> list[Line]:
    """The lines of a call that began on a day."""
    order = list(Kind)
    usages = sorted(usages, key=lambda usage: (order.index(usage.kind), usage.item))
    groups = groupby(usages, key=lambda usage: (usage.kind, usage.item))
    return [_line(*key, list(same), book, day) for key, same in groups]


def cost_of(lines: Iterable[Line]) -> Cost:
    """The sum of lines."""
    return sum((Cost(one.amount, bool(one.unknown)) for one in lines), Cost())


def _digits(number: Decimal) -> str:
    """“10”, where `str` writes “1E+1”, and “0” for “0E-8”."""
    return f"{number.normalize():f}"


def _line(
    kind: Kind, item: str, usages: list[Usage], book: PriceBook, day: date
) -> Line:
    known = [usage.units for usage in usages if usage.units is not None]
    units, rate = sum(known, Decimal()), book.rate(kind, item, day)
    unknown = "" if len(known) == len(usages) else NOT_MEASURED
    if rate is None:
        return Line(kind, item, units, None, Decimal(), unknown or NO_PRICE)
    amount = (units * rate.amount).quantize(DIGITS)
    return Line(kind, item, units, rate.amount, amount, unknown)
