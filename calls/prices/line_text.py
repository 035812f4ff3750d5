"""The lines of a stored cost, as the page of a call shows them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from calls.prices.calculation import NO_PRICE
from calls.prices.money import UNKNOWN, amount_text
from calls.prices.usage import MINUTES, Kind

LABELS = {
    Kind.LINE_IN: "Incoming call",
    Kind.LINE_OUT: "Outgoing call or transfer",
    Kind.RELAY: "ConversationRelay",
    Kind.RECORDING: "Recording",
    Kind.STORAGE: "Recording kept at Twilio",
    Kind.TOKENS_READ: "Tokens read",
    Kind.TOKENS_CACHED: "Cached tokens read",
    Kind.TOKENS_WRITTEN: "Tokens written",
    Kind.SPEECH: "Speech",
}


@dataclass(frozen=True, slots=True)
class LineText:
    """One line of a cost. `why` says why a part of it is unknown; empty if none is."""

    label: str
    item: str
    used: str
    amount: str
    why: str


def line_texts(lines: Iterable[Mapping[str, Any]], currency: str) -> list[LineText]:
    """The texts of stored lines; those of an unknown kind are left out."""
    return [
        _text(Kind(line["kind"]), line, currency)
        for line in lines
        if line.get("kind") in list(Kind)
    ]


def _text(kind: Kind, line: Mapping[str, Any], currency: str) -> LineText:
    units, amount = _decimal(line.get("units")), _decimal(line.get("amount"))
    why = ""
    if line.get("unknown"):
        no_price = line["unknown"] == NO_PRICE
        why = "It has no price yet." if no_price else "Some of it was not measured."
    text = amount_text(amount, currency)
    if why:
        text = f"at least {text}" if amount else UNKNOWN
    return LineText(LABELS[kind], line.get("item", ""), _used(kind, units), text, why)


def _used(kind: Kind, units: Decimal) -> str:
    if not units:
        return ""
    if kind in MINUTES:
        return f"{units:,.0f} min"
    thing = "characters" if kind is Kind.SPEECH else "tokens"
    return f"{units * 1_000_000:,.0f} {thing}"


def _decimal(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal()
