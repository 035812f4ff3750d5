"""Amounts as people read them. Pure."""

from decimal import ROUND_HALF_UP, Decimal

from calls.prices.calculation import Cost

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
UNKNOWN = "unknown"
CENT, SMALL, SMALLEST = Decimal("0.01"), Decimal("0.1"), Decimal("0.0001")


def amount_text(amount: Decimal, currency: str) -> str:
    """“$1.25”, “0.004 CHF”: two digits after the point, more for parts of a cent."""
    if amount and abs(amount) < SMALLEST:
        return f"under {_with_sign(str(SMALLEST), currency)}"
    cents = amount.quantize(CENT, ROUND_HALF_UP)
    if abs(amount) < SMALL and cents != amount:
        cents = amount.quantize(SMALLEST, ROUND_HALF_UP)
    return _with_sign(f"{cents:,}", currency)


def cost_text(cost: Cost | None, currency: str) -> str:
    """A cost with “at least” before the known part of one that is not all known."""
    if cost is None or cost.is_unknown:
        return UNKNOWN
    text = amount_text(cost.amount, currency)
    return f"at least {text}" if cost.is_partial else text


def _with_sign(digits: str, currency: str) -> str:
    sign = SIGNS.get(currency)
    return f"{sign}{digits}" if sign else f"{digits} {currency}"
