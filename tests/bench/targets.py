"""The targets of the bench, compared with the measured values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

KNEE_MS = 50.0
FEW_TURNS = 20


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on one value at one level; `ok` is None where it was not measured."""

    what: str
    limit: float
    unit: str
    calls: int  # the level it is for
    at: int  # the level it was measured at, 0 for none
    measured: float | None

    @property
    def ok(self) -> bool | None:
        return None if self.measured is None else self.measured <= self.limit


_DELAY_LIMITS = (
    ("setup → greeting play, p50", "greeting", "p50", 10, "ms", 100),
    ("setup → greeting play, p99", "greeting", "p99", 50, "ms", 100),
    ("prompt → request at Inworld, p99", "request", "p99", 5, "ms", 100),
    ("sentence's last byte → play, next follows, p50", "followed", "p50", 5, "ms", 100),
    ("the same with nothing behind it, p99", "held", "p99", 150, "ms", 100),
    ("interrupt → upstream closed, no frames, p99", "interrupt", "p99", 20, "ms", 100),
    ("clip GET, p95", "clip_get", "p95", 20, "ms", 200),
    ("last byte → play of every sentence, p99", "added", "p99", KNEE_MS, "ms", 300),
)
_COUNT_LIMITS = (
    ("clips of one slowly arriving sentence", "slow_clips", 2, "", 100),
    ("clips of a standard turn, three sentences", "turn_clips", 3, "", 100),
    ("CPU per standard turn, of the floor", "cpu_ratio", 2, "x", 100),
    ("errors", "error_count", 0, "", 300),
    ("resident memory of one process", "peak_mb", 300, "MB", 300),
)


def targets(levels: list[dict[str, Any]]) -> Iterator[Target]:
    """Yield every target, measured at its level or at the largest one below."""
    for what, name, rank, limit, unit, calls in _DELAY_LIMITS:
        level = _level(levels, calls)
        figure = (level or {}).get("figures", {}).get(name)
        value = figure[rank] if figure else None
        yield Target(what, limit, unit, calls, level["calls"] if level else 0, value)
    for what, name, limit, unit, calls in _COUNT_LIMITS:
        level = _level(levels, calls)
        value = level[name] if level else None
        if isinstance(value, list):
            value = max(value)
        if name in ("slow_clips", "turn_clips"):
            value = value or None
        yield Target(what, limit, unit, calls, level["calls"] if level else 0, value)


def holds(level: dict[str, Any]) -> bool:
    """True for a level below the knee."""
    added = level["figures"].get("added")
    fast = added is not None and added["p99"] <= KNEE_MS
    return fast and not level["error_count"]


def knee(levels: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the most calls that are served well and the fewest that are not, or 0.

    A level of a few turns, whose slowest counts as its p99, is left out.
    """
    enough = [at for at in levels if at.get("turns", FEW_TURNS) >= FEW_TURNS]
    levels = enough or levels
    good = [level["calls"] for level in levels if holds(level)]
    bad = [level["calls"] for level in levels if not holds(level)]
    best = max((calls for calls in good if not bad or calls < min(bad)), default=0)
    return best, min(bad, default=0)


def _level(levels: list[dict[str, Any]], calls: int) -> dict[str, Any] | None:
    reached = [level for level in levels if level["calls"] <= calls]
    return max(reached, key=lambda level: level["calls"], default=None)
