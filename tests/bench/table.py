"""Formats the report as a table of 100 columns."""

from collections.abc import Iterator
from typing import Any

from tests.bench import first_word

WIDTH = 100
LABEL = 25
COLUMNS = 5
# In the order of a call.
FIGURES = {
    "webhook": "webhook → TwiML",
    "greeting": "setup → greeting play",
    "request": "prompt → request, warm",
    "request_dialling": "  while calls come in",
    "request_fresh": "  on a new connection",
    "first_sound": "prompt → first play",
    "first_clip": "first sound in → play",
    "followed": "last → play, followed",
    "next_words": "  from the next sentence",
    "ending": "last → play, stream ends",
    "held": "last → play, held open",
    "added": "last → play, all",
    "at_caller": "last → clip at caller",
    "clip_get": "clip GET",
    "clip_get_dialling": "  while calls come in",
    "interrupt": "interrupt → stopped",
}


def table(report: dict[str, Any]) -> str:
    """Return the report as text."""
    return "\n".join([*_lines(report), ""])


def _lines(report: dict[str, Any]) -> Iterator[str]:
    machine, options = report["machine"], report["asked"]
    yield (
        f"Python {machine['python']}, {machine['cores']} cores; a turn every "
        f"{options['every']:g} s"
    )
    if "levels" in report:
        yield from _load(report)
    yield from first_word.table(report.get("first_word", {}))
    yield from (f"Skipped: {reason}" for reason in report["skipped"])
    yield f"({report['seconds']} s)"


def _load(report: dict[str, Any]) -> Iterator[str]:
    floor, options = report["floor"], report["asked"]
    yield (
        "A turn is 3 sentences, 7 s of speech, arriving at "
        f"{options['pace']:g} x real time"
    )
    if floor:
        spent = floor["cpu_ms_per_turn"]
        yield f"Floor: {spent:.1f} ms of CPU a turn (httpx, JSON, base64)"
    yield from _block(report["levels"], "One process on one core")
    if report.get("scaled"):
        title = f"{options['processes']} processes, a core each where there are enough"
        yield from _block(report["scaled"], title)
        yield from _scaling(report)
    for level in report.get("beside", []):
        yield from _block([level], "For comparison")
    served, too_many = report["knee"]["served"], report["knee"]["too_many"]
    yield ""
    above = f", {too_many} are too many" if too_many else ": the largest level measured"
    yield f"Knee (added p99 ≤ 50 ms, no errors): {served} calls{above}"
    yield from _link(report["link"])
    yield from _targets(report["targets"])


def _block(levels: list[dict[str, Any]], title: str) -> Iterator[str]:
    if not levels:
        return
    yield ""
    where = f"{levels[0]['database']}, clips in {levels[0]['clips']}"
    yield f"{title}; {where}. Milliseconds: p50/p95/p99"
    for first in range(0, len(levels), COLUMNS):
        yield from _columns(levels[first : first + COLUMNS])


def _columns(levels: list[dict[str, Any]]) -> Iterator[str]:
    wide = (WIDTH - LABEL) // COLUMNS
    yield _row("calls", [f"{level['calls']}" for level in levels], wide)
    for name, label in FIGURES.items():
        yield _row(label, [_cell(level["figures"].get(name)) for level in levels], wide)
    for label, cells in _totals(levels):
        yield _row(label, cells, wide)
    for level in levels:
        for error, count in [*level["errors"].items()][:4]:
            yield f"  {level['calls']} calls: {count} x {error}"[:WIDTH]
        for line in level["said"][-1:]:
            yield f"  {level['calls']} calls, server: {line}"[:WIDTH]


def _totals(levels: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    yield "turns measured", [f"{level['turns']}" for level in levels]
    yield "clips a turn, most", [f"{level['turn_clips']}" for level in levels]
    yield "errors", [f"{level['error_count']}" for level in levels]
    yield (
        "new connections",
        [f"{level['new_connections']}" for level in levels],
    )
    yield "CPU ms a turn", [_number(level["cpu_ms_per_turn"]) for level in levels]
    yield "  x the floor", [_number(level["cpu_ratio"]) for level in levels]
    shares = [level["core_share"] for level in levels]
    yield "  % of a core", [_each(100 * share for share in each) for each in shares]
    yield "peak MB", [_each(level["peak_mb"]) for level in levels]
    lags = [level["bench"] for level in levels]
    yield (
        "the bench's lag, p99",
        [
            _number(max(lag["caller_lag_p99_ms"], lag["upstream_lag_p99_ms"]))
            for lag in lags
        ],
    )


def _scaling(report: dict[str, Any]) -> Iterator[str]:
    single = {level["calls"]: level for level in report["levels"]}
    for level in report["scaled"]:
        one = single.get(level["calls"])
        if one and one["core_share"] and level["core_share"]:
            busiest = 100 * max(level["core_share"])
            yield (
                f"  {level['calls']} calls: the busiest core goes from "
                f"{100 * one['core_share'][0]:.0f} % to {busiest:.0f} %"
            )


def _link(link: list[dict[str, Any]] | None) -> Iterator[str]:
    for clip in link or []:
        yield (
            f"Over 40 ms, fresh connection: a sentence of 2.4 s at {clip['format']}, "
            f"{clip['bytes']:,} bytes: {clip['ms']:.0f} ms, "
            f"{clip['early_ms']:.0f} ms if asked for early"
        )


def _targets(targets: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield f"{'Target':52}{'limit':>12}{'measured':>12}{'at calls':>12}"
    for target in targets:
        result = {True: "ok", False: "MISS", None: "not measured"}[target["ok"]]
        unit = f" {target['unit']}".rstrip()
        limit = f"≤ {target['limit']:g}{unit}"
        value = target["measured"]
        measured = "" if value is None else f"{value:.1f}{unit}"
        at = "" if value is None else f"{target['at']}/{target['calls']}"
        yield f"{target['what']:52}{limit:>12}{measured:>12}{at:>12}  {result}"


def _row(label: str, cells: list[str], wide: int) -> str:
    return f"{label:{LABEL}}" + "".join(f"{cell:>{wide}}" for cell in cells)


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return "-"
    return "/".join(_number(figure[rank]) for rank in ("p50", "p95", "p99"))


def _each(values: Any) -> str:
    return "+".join(f"{value:.0f}" for value in values)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
