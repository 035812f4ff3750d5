"""The table of the first word: how soon a caller hears the first sound of an answer.

The stand-in upstream is the one beside which the Node seed was measured: first token
after 350 ms, first sound 150 ms later, then 6 times real time; sentences of 2 s that
end in 80 ms of silence. Its figures are constants here.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

KIND = "word"  # of its turns
HUNG_CALLS = 5
WIDTH = 100
LABEL, CELL, TARGET = 40, 19, 22
# By the setting STREAM_CLIPS; the carrier plays each clip as it arrives.
COLUMNS = {"off": "whole clips", "on": "streamed"}

Level = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its value at a level, the Node seed's values, and the target."""

    label: str
    value: Callable[[Level], float | None]
    seed: str
    target: str


def _rank(name: str, rank: str) -> Callable[[Level], float | None]:
    def value(level: Level) -> float | None:
        figure = level["figures"].get(name)
        return figure[rank] if figure else None

    return value


def _cpu(level: Level) -> float | None:
    spent: float | None = level["cpu_ms_per_turn"]
    return spent


def _peak(level: Level) -> float | None:
    return max(level["peak_mb"], default=None)


ROWS = (
    Row(
        "first sound upstream → first play, p50",
        _rank("first_clip", "p50"),
        "423/423/424",
        "≤ 30, whole ≤ 320",
    ),
    Row(
        "  → first sound at the carrier, p50", _rank("first_at_carrier", "p50"), "", ""
    ),
    Row(
        "sentence's last byte → play, p50",
        _rank("added", "p50"),
        "122/137/165 (p99)",
        "≤ 20",
    ),
    Row("  p99", _rank("added", "p99"), "", "≤ 50 at 300"),
    Row(
        "greeting of a server's first call",
        _rank("first_greeting", "max"),
        "952",
        "≤ 10",
    ),
    Row("upstream hangs → first sound", _rank("hung", "max"), "never", "≤ 3,000"),
    Row("CPU ms a turn", _cpu, "-/19.9/15.1", "≤ the seed's"),
    Row("peak memory, MB", _peak, "-/-/1,223", "≤ 250 at 300"),
    Row("growing clips that ran dry", lambda level: level["gaps"], "", "0"),
    Row("errors", lambda level: level["error_count"], "", "0"),
)


def columns(options: Namespace) -> list[tuple[str, str]]:
    """Return the settings to measure, each with its column."""
    wanted = options.stream_clips
    return [(setting, COLUMNS[setting]) for setting in COLUMNS if setting in wanted]


def hangs_too(kind: str, calls: int, options: Namespace) -> bool:
    """True for the level at which upstream also hangs: the smallest one."""
    is_first = calls == min(options.first_word_calls)
    return kind == KIND and is_first and not options.quick


def table(columns: dict[str, list[Level]]) -> Iterator[str]:
    """Yield the lines of the table; `columns` are levels by way of playing."""
    calls = [level["calls"] for level in next(iter(columns.values()), [])]
    if not calls:
        return
    yield ""
    yield f"The first word at {'/'.join(map(str, calls))} calls; milliseconds"
    yield _line("", ["Node seed, 1/100/300", *columns], "target")
    for row in ROWS:
        cells = [
            _cell([row.value(level) for level in levels]) for levels in columns.values()
        ]
        yield _line(row.label, [row.seed, *cells], row.target)
    for name, levels in columns.items():
        for level in levels:
            for error, count in [*level["errors"].items()][:4]:
                yield f"  {name}, {level['calls']} calls: {count} x {error}"[:WIDTH]


def _cell(values: Sequence[float | None]) -> str:
    """All levels of one row; one value where the others are not measured."""
    shown = [_number(value) for value in values]
    measured = [text for text in shown if text != "-"]
    return measured[0] if len(measured) == 1 and len(values) > 1 else "/".join(shown)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) < 9.95 and value % 1 else f"{value:,.0f}"


def _line(label: str, cells: list[str], target: str) -> str:
    return (
        f"{label:{LABEL}}"
        + "".join(f"{cell:>{CELL + 2}}" for cell in cells)
        + f"   {target}"
    )
