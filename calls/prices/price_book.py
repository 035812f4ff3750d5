"""Prices by kind, item and day. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from calls.prices.usage import TOKENS, Kind

# Tokens from a cache cost less; without a price of their own they cost as much as
# tokens that were read.
INSTEAD = {Kind.TOKENS_CACHED: Kind.TOKENS_READ}


@dataclass(frozen=True, slots=True)
class Rate:
    """A price for a minute or a million, from a day on; an empty item is any other."""

    kind: Kind
    item: str
    amount: Decimal
    currency: str
    valid_from: date


class PriceBook:
    """The prices in one currency, of which each holds until the next one begins."""

    def __init__(self, rates: Iterable[Rate], currency: str) -> None:
        self.currency = currency
        self.rates: defaultdict[tuple[Kind, str], list[Rate]] = defaultdict(list)
        for rate in rates:
            if rate.currency == currency and rate.amount >= 0:
                self.rates[rate.kind, rate.item.casefold()].append(rate)

    def rate(self, kind: Kind, item: str, day: date) -> Rate | None:
        """The price on a day: of the item, else of any item. None: a hole in the table.

        Models have no price in common, so theirs is never that of any item.
        """
        found = self._latest(kind, item, day)
        if found is None and item and kind not in TOKENS:
            found = self._latest(kind, "", day)
        if found is None and kind in INSTEAD:
            found = self.rate(INSTEAD[kind], item, day)
        return found

    def _latest(self, kind: Kind, item: str, day: date) -> Rate | None:
        rates = self.rates.get((kind, item.casefold()), [])
        valid = [rate for rate in rates if rate.valid_from <= day]
        return max(valid, key=lambda rate: rate.valid_from, default=None)
