"""The parts of a call that cost something, and how much of each was used. Pure.

Quantities are what happened: seconds, tokens, characters. None is a quantity that
nobody knows, such as the tokens of an answer that was interrupted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

# Sources of usage: a session of the relay (with its number), Twilio's reports on it and
# on the call, a dialled transfer, a transfer without a way back, a summary.
RELAY, SESSION, REPORT = "relay", "session", "report"
DIALLED, TRANSFER, SUMMARY = "dialled", "transfer", "summary"
# Above this, a stored quantity is an error: three years of seconds.
MAX_QUANTITY = 100_000_000


class Kind(StrEnum):
    """Kinds of usage; a price has one, too."""

    LINE_IN = "line-in"
    LINE_OUT = "line-out"
    RELAY = "relay"
    RECORDING = "recording"
    STORAGE = "storage"
    TOKENS_READ = "tokens-read"
    TOKENS_CACHED = "tokens-cached"
    TOKENS_WRITTEN = "tokens-written"
    SPEECH = "speech"


TOKENS = (Kind.TOKENS_READ, Kind.TOKENS_CACHED, Kind.TOKENS_WRITTEN)
# Twilio rounds each of these up to whole minutes ("How do you round minutes for
# billing", support.twilio.com, article 223132307).
MINUTES = (Kind.LINE_IN, Kind.LINE_OUT, Kind.RELAY, Kind.RECORDING, Kind.STORAGE)


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds, tokens or characters of one kind; `item` is a model, or a number's kind.

    The seconds of a call's legs are usages of their own: each is rounded up.
    """

    kind: Kind
    item: str = ""
    quantity: int | None = None

    def to_json(self) -> list[Any]:
        """The usage as it is stored."""
        return [self.kind, self.item, self.quantity]

    @property
    def units(self) -> Decimal | None:
        """The quantity as prices count it: minutes, or millions."""
        if self.quantity is None:
            return None
        if self.kind in MINUTES:
            return Decimal(-(-self.quantity // 60))
        return Decimal(self.quantity) / 1_000_000


def stored(entries: Iterable[Any]) -> list[Usage]:
    """Read stored usages; what cannot be read was used, but nobody knows how much."""
    return [usage for entry in entries if (usage := _stored(entry))]


def _stored(entry: Any) -> Usage | None:
    match entry:
        case [str(kind), str(item), int() | None as quantity] if kind in list(Kind):
            is_known = type(quantity) is int and 0 <= quantity <= MAX_QUANTITY
            return Usage(Kind(kind), item, quantity if is_known else None)
    return None


def name_asked_for(answered: str, asked: Sequence[str]) -> str:
    """The name by which a model was asked that answers by another one of its names.

    The Router is asked for openai/gpt-4.1-mini, and providers answer as
    gpt-4.1-mini-2025-04-14.
    """
    name = answered.rpartition("/")[2]
    for model in asked:
        base = model.rpartition("/")[2]
        if name == base or name.startswith((f"{base}-20", f"{base}@")):
            return model
    return answered or asked[0]


@dataclass(slots=True)
class Meter:
    """Adds up what a call asks of Inworld. A cached sentence is asked of nobody."""

    counts: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    unknown: set[tuple[Kind, str]] = field(default_factory=set)

    def tokens(self, model: str, read: int, cached: int, written: int) -> None:
        """Count the tokens of an answer; `cached` are a part of those it read."""
        cached = min(max(cached, 0), max(read, 0))
        self._add(Kind.TOKENS_READ, model, read - cached)
        self._add(Kind.TOKENS_CACHED, model, cached)
        self._add(Kind.TOKENS_WRITTEN, model, written)

    def unknown_tokens(self, model: str) -> None:
        """A model was asked, and did not say how many tokens it took."""
        self.unknown |= {(Kind.TOKENS_READ, model), (Kind.TOKENS_WRITTEN, model)}

    def speech(self, model: str, characters: int) -> None:
        """Count characters that were synthesised."""
        self._add(Kind.SPEECH, model, characters)

    @property
    def usages(self) -> list[Usage]:
        """The sums by kind and model; an unknown part stands beside the known one."""
        known = [Usage(kind, item, n) for (kind, item), n in self.counts.items()]
        return [*known, *(Usage(kind, item) for kind, item in sorted(self.unknown))]

    def _add(self, kind: Kind, item: str, quantity: int) -> None:
        if quantity > 0:
            self.counts[kind, item] += quantity
