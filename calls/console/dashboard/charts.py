"""The dashboard's charts and tables; each figure links to its calls."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils.timezone import localtime

from calls import figures
from calls.console.dashboard.period import Period
from calls.console.dashboard.statistics import (
    AnswerTimes,
    BotCalls,
    HourlyTotals,
    Totals,
    percentile,
)
from calls.figures import Figure
from calls.review.call_links import calls_url

# Bots in the chart; the table has all.
MAX_BOTS = 12

# Query parameters of the list of calls.
Filters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with a link to its calls; None if there is nothing to measure."""

    value: float | None
    link: str
    unit: str = ""

    @property
    def text(self) -> str:
        """The figure as tables show it."""
        if self.value is None:
            return "-"
        return f"{self.value:.2f} {self.unit}" if self.unit else f"{self.value:,.0f}"


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a chart; `kind` is empty if only the table shows it.

    `tone` is the name of its colour in the style sheet.
    """

    name: str
    tone: str
    cells: tuple[Cell, ...]
    kind: Literal["bar", "line", ""] = "bar"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its table; `slug` is its id on the page."""

    slug: str
    title: str
    about: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    first_column: str
    unit: str = ""
    max_labels: int | None = None  # in the drawing; None for all
    horizontal: bool = False
    stacked: bool = False

    @property
    def rows(self) -> list[tuple[str, list[Cell]]]:
        cells = zip(*(series.cells for series in self.series), strict=True)
        return [
            (label, list(row)) for label, row in zip(self.labels, cells, strict=True)
        ]

    @property
    def is_empty(self) -> bool:
        return not any(cell.value for series in self.series for cell in series.cells)

    def drawing(self) -> dict[str, Any]:
        """The data for the script that draws it."""
        shown = slice(self.max_labels)
        return {
            "slug": self.slug,
            "labels": self.labels[shown],
            "unit": self.unit,
            "horizontal": self.horizontal,
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


def calls_over_time(period: Period, hours: HourlyTotals) -> Chart:
    totals: defaultdict[int, Totals] = defaultdict(Counter)
    for hour, counts in hours:
        totals[period.bucket_of(hour)] += counts

    def series(figure: Figure, kind: Literal["bar", "line", ""]) -> Series:
        cells = _cells(
            period,
            lambda bucket, span: Cell(
                totals[bucket][figure.name], calls_url(**span, **figure.parameters)
            ),
        )
        return Series(figure.title, figure.name, cells, kind)

    return Chart(
        "calls",
        "Calls",
        "How many calls there were, and what became of them.",
        tuple(period.label(begin) for begin, _ in period.buckets()),
        (
            series(figures.CALLS, ""),
            series(figures.ANSWERED, ""),
            series(figures.COMPLETED, "bar"),
            series(figures.FAILED, "bar"),
            series(figures.REFUSED, "bar"),
            series(figures.OPEN, "bar"),
            series(figures.INTERRUPTED, "line"),
        ),
        _first_column(period),
        stacked=True,
    )


def answer_time(period: Period, times: AnswerTimes) -> Chart:
    by_bucket: defaultdict[int, list[float]] = defaultdict(list)
    for start, ms in times:
        by_bucket[period.bucket_of(start)].append(ms)

    def median(bucket: int, span: Filters) -> Cell:
        where = calls_url(**span, **figures.ANSWERED.parameters)
        return Cell(_seconds(percentile(by_bucket[bucket], 0.5)), where, "s")

    def slow(bucket: int, span: Filters) -> Cell:
        ms = percentile(by_bucket[bucket], 0.95)
        slower = {} if ms is None else {"slowest_response_ms__gte": int(ms)}
        where = calls_url(**span, **figures.ANSWERED.parameters, **slower)
        return Cell(_seconds(ms), where, "s")

    return Chart(
        "latency",
        "Answer time",
        "Seconds from a caller's last word until the answer is sent to be played.",
        tuple(period.label(begin) for begin, _ in period.buckets()),
        (
            Series("Half within", "half", _cells(period, median), "line"),
            Series("95 of 100 within", "slow", _cells(period, slow), "line"),
        ),
        _first_column(period),
        unit="s",
    )


def calls_by_bot(period: Period, bots: list[BotCalls]) -> Chart:

    def where(bot: BotCalls) -> Filters:
        if bot.bot_id is not None:
            return {"bot__id__exact": bot.bot_id}
        return {"bot__isnull": 1, "bot_name__exact": bot.name}

    span = _span(period.begin, period.end)
    cells = tuple(Cell(bot.calls, calls_url(**span, **where(bot))) for bot in bots)
    more = f" The chart has the {MAX_BOTS} busiest." if len(bots) > MAX_BOTS else ""
    return Chart(
        "bots",
        "Calls by bot",
        f"Which bots took the calls.{more}",
        tuple(_name(bot) for bot in bots),
        (Series("Calls", "calls", cells),),
        "Bot",
        max_labels=MAX_BOTS,
        horizontal=True,
    )


def calls_by_hour_of_day(period: Period, hours: HourlyTotals) -> Chart:
    counts: Counter[int] = Counter()
    for hour, totals in hours:
        counts[localtime(hour).hour] += totals["calls"]
    span = _span(period.begin, period.end)
    cells = tuple(
        Cell(counts[hour], calls_url(**span, started_at__hour=hour))
        for hour in range(24)
    )
    return Chart(
        "hours",
        "Calls by hour of day",
        "At what time of day people call.",
        tuple(f"{hour:02}:00" for hour in range(24)),
        (Series("Calls", "calls", cells),),
        "Hour",
    )


def _name(bot: BotCalls) -> str:
    if bot.bot_id is None:
        return f"{bot.name} (deleted)" if bot.name else "No bot"
    return bot.name


def _cells(period: Period, cell: Callable[[int, Filters], Cell]) -> tuple[Cell, ...]:
    spans = enumerate(period.buckets())
    return tuple(cell(bucket, _span(*span)) for bucket, span in spans)


def _span(begin: datetime, end: datetime) -> Filters:
    return {"started_at__gte": localtime(begin), "started_at__lt": localtime(end)}


def _first_column(period: Period) -> str:
    return "Day" if period.day is None else "Hour"


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 2)
