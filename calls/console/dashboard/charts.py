"""Figures as charts and tables, each figure with the list of calls behind it."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils.timezone import localtime

from calls.console.dashboard.period import Period
from calls.console.dashboard.statistics import (
    OPEN,
    BotCalls,
    Hours,
    Tally,
    Waits,
    percentile,
)
from calls.review.call_links import CallLinks

# The chart shows this many bots, the table all.
MAX_BOTS = 12

Where = dict[str, Any]


OUTCOMES: dict[str, Where] = {
    "calls": {},
    "answered": {"answered_at__isnull": 0},
    "completed": {"status__exact": "completed"},
    "failed": {"status__exact": "failed"},
    "refused": {"status__exact": "refused"},
    "interrupted": {"was_interrupted__exact": 1},
    "open": {"status__in": ",".join(OPEN)},
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and the calls behind it; None where there is nothing to count."""

    value: float | None
    link: str
    unit: str = ""

    @property
    def text(self) -> str:
        """As a table shows it."""
        if self.value is None:
            return "-"
        return f"{self.value:.2f} {self.unit}" if self.unit else f"{self.value:,.0f}"


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures through a chart; `kind` is empty for those in the table only.

    `tone` names the colour, as the style sheet does.
    """

    name: str
    tone: str
    cells: tuple[Cell, ...]
    kind: Literal["bar", "line", ""] = "bar"


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, and the same as a table; `slug` is its id on the page."""

    slug: str
    title: str
    about: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    first_column: str
    unit: str = ""
    drawn: int | None = None  # how many of the labels, where not all
    lying: bool = False
    stacked: bool = False

    @property
    def rows(self) -> list[tuple[str, list[Cell]]]:
        """The table's rows."""
        cells = zip(*(series.cells for series in self.series), strict=True)
        return [
            (label, list(row)) for label, row in zip(self.labels, cells, strict=True)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(cell.value for series in self.series for cell in series.cells)

    def drawing(self) -> dict[str, Any]:
        """What the script needs to draw it."""
        shown = slice(self.drawn)
        return {
            "slug": self.slug,
            "labels": self.labels[shown],
            "unit": self.unit,
            "lying": self.lying,
            "stacked": self.stacked,
            "series": [
                {
                    "name": series.name,
                    "tone": series.tone,
                    "kind": series.kind,
                    "values": [cell.value for cell in series.cells[shown]],
                    "links": [cell.link for cell in series.cells[shown]],
                }
                for series in self.series
                if series.kind
            ],
        }


def calls_over_time(calls: CallLinks, period: Period, hours: Hours) -> Chart:
    """How many calls there were, and what became of them."""
    tallies: defaultdict[int, Tally] = defaultdict(Counter)
    for hour, tally in hours:
        tallies[period.place(hour)] += tally

    def series(name: str, kind: Literal["bar", "line", ""]) -> Series:
        cells = _each(
            period,
            lambda place, span: Cell(
                tallies[place][name], calls.where(**span, **OUTCOMES[name])
            ),
        )
        title = {"refused": "Not answered by a bot", "open": "Still open"}
        return Series(title.get(name, name.capitalize()), name, cells, kind)

    return Chart(
        "calls",
        "Calls",
        "How many calls there were, and what became of them.",
        tuple(period.label(begin) for begin, _ in period.buckets()),
        (
            series("calls", ""),
            series("answered", ""),
            series("completed", "bar"),
            series("failed", "bar"),
            series("refused", "bar"),
            series("open", "bar"),
            series("interrupted", "line"),
        ),
        _first_column(period),
        stacked=True,
    )


def answer_time(calls: CallLinks, period: Period, times: Waits) -> Chart:
    """How long callers waited for answers."""
    waits: defaultdict[int, list[float]] = defaultdict(list)
    for begun, ms in times:
        waits[period.place(begun)].append(ms)

    def half(place: int, span: Where) -> Cell:
        where = calls.where(**span, **OUTCOMES["answered"])
        return Cell(_seconds(percentile(waits[place], 0.5)), where, "s")

    def slow(place: int, span: Where) -> Cell:
        found = percentile(waits[place], 0.95)
        least = {} if found is None else {"slowest_response_ms__gte": int(found)}
        where = calls.where(**span, **OUTCOMES["answered"], **least)
        return Cell(_seconds(found), where, "s")

    return Chart(
        "latency",
        "Answer time",
        "Seconds from a caller's last word until the answer is sent to be played.",
        tuple(period.label(begin) for begin, _ in period.buckets()),
        (
            Series("p50", "half", _each(period, half), "line"),
            Series("p95", "slow", _each(period, slow), "line"),
        ),
        _first_column(period),
        unit="s",
    )


def calls_by_bot(calls: CallLinks, period: Period, bots: list[BotCalls]) -> Chart:
    """Which bots took the calls."""

    def where(bot: BotCalls) -> Where:
        if bot.bot_id is not None:
            return {"bot__id__exact": bot.bot_id}
        return {"bot__isnull": 1, "bot_name__exact": bot.name}

    span = _span(period.begin, period.end)
    cells = tuple(Cell(bot.calls, calls.where(**span, **where(bot))) for bot in bots)
    more = f" The chart has the {MAX_BOTS} busiest." if len(bots) > MAX_BOTS else ""
    return Chart(
        "bots",
        "Calls by bot",
        f"Which bots took the calls.{more}",
        tuple(_name(bot) for bot in bots),
        (Series("Calls", "calls", cells),),
        "Bot",
        drawn=MAX_BOTS,
        lying=True,
    )


def calls_by_hour_of_day(calls: CallLinks, period: Period, hours: Hours) -> Chart:
    """When in the day the phone rings."""
    counts: Counter[int] = Counter()
    for hour, tally in hours:
        counts[localtime(hour).hour] += tally["calls"]
    span = _span(period.begin, period.end)
    cells = tuple(
        Cell(counts[hour], calls.where(**span, started_at__hour=hour))
        for hour in range(24)
    )
    return Chart(
        "hours",
        "Calls by hour of day",
        "When in the day the phone rings.",
        tuple(f"{hour:02}:00" for hour in range(24)),
        (Series("Calls", "calls", cells),),
        "Hour",
    )


def _name(bot: BotCalls) -> str:
    if bot.bot_id is None:
        return f"{bot.name} (deleted)" if bot.name else "No bot"
    return bot.name


def _each(period: Period, cell: Callable[[int, Where], Cell]) -> tuple[Cell, ...]:
    spans = enumerate(period.buckets())
    return tuple(cell(place, _span(*span)) for place, span in spans)


def _span(begin: datetime, end: datetime) -> Where:
    return {"started_at__gte": localtime(begin), "started_at__lt": localtime(end)}


def _first_column(period: Period) -> str:
    return "Day" if period.day is None else "Hour"


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 2)
