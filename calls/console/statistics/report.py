"""The statistics of some days: the figures of bots and numbers, and the chart."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from io import StringIO
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.timezone import localtime

from bots.models import Bot
from bots.site_settings.current import day as day_text
from calls import figures
from calls.console.dashboard.statistics import MAX_RESPONSES, percentile
from calls.console.statistics import queries
from calls.console.statistics.date_range import DateRange
from calls.console.statistics.drawing import Drawing, draw
from calls.console.statistics.queries import STACKED, Line, Sums
from calls.console.statistics.tables import (
    COUNTED,
    MAX_ROWS,
    Delays,
    Row,
    bot_filters,
    bot_name,
    delays_of,
    number_name,
    our_number,
    rows_by,
)
from calls.models import Call
from calls.prices.calculation import Cost
from calls.prices.money import cost_text
from calls.review.spreadsheet import cells

CSV_COLUMNS = (
    *("bot", "number", *(figure.name for figure in COUNTED)),
    *("mean_length_s", "first_word_median_ms", "first_word_p95_ms"),
    *("cost", "cost_currency", "cost_is_partial"),
)


# Days of the table of costs; the months have those before.
MAX_DAYS = 100


@dataclass(frozen=True, slots=True)
class CostRow:
    """The calls of a day or a month, and what they cost."""

    label: str
    calls: int
    cost: Cost

    @property
    def text(self) -> str:
        return cost_text(self.cost, settings.CURRENCY)


@dataclass(frozen=True)
class Report:
    """Calls of these days; of one `bot` and one `number` of ours, if they are given.

    `visible` are the calls that the person may see, `labels` the labels of our numbers.
    Others are masked for `hide`.
    """

    visible: QuerySet[Call]
    days: DateRange
    bot: Bot | None
    number: str
    labels: Mapping[str, str]
    hide: bool

    @cached_property
    def lines(self) -> dict[Line, Sums]:
        """The figures of each bot and number."""
        found = queries.sums_by_line(self._of_bot)
        if not self.number:
            return found
        return {
            line: sums
            for line, sums in found.items()
            if self._number(line) == self.number
        }

    @cached_property
    def calls(self) -> QuerySet[Call]:
        """The calls that are counted."""
        if not self.number:
            return self._of_bot
        spellings = {number for _, _, number in self.lines}
        calls = self._of_bot.alias(called=queries.OUR_NUMBER)
        return calls.filter(Q(called__in=spellings))

    @property
    def _of_bot(self) -> QuerySet[Call]:
        calls = queries.calls_between(self.visible, self.days.begin, self.days.end)
        return calls.filter(bot=self.bot) if self.bot else calls

    @cached_property
    def delays(self) -> Delays:
        """The delays of first words, by line."""
        turns = sum(sums.turns for sums in self.lines.values())
        return delays_of(queries.first_words(self.calls, turns))

    @property
    def is_sampled(self) -> bool:
        """True if the delays are of every nth call only."""
        return sum(sums.turns for sums in self.lines.values()) > 2 * MAX_RESPONSES

    @cached_property
    def total(self) -> Row:
        """All calls."""
        rows = rows_by(lambda line: None, self.lines, self.delays)
        row = rows.get(None, Row())
        row.filters = self._span(bot=self.bot.pk if self.bot else None)
        if self.number:
            row.filters = None
        return row

    @property
    def bots(self) -> list[tuple[str, Row]]:
        """The figures of each bot."""
        names = self._names
        rows = rows_by(lambda line: line[:2], self.lines, self.delays)
        shown = []
        for (bot_id, name_then), row in list(rows.items())[:MAX_ROWS]:
            line = (bot_id, name_then, "")
            if not self.number:
                row.filters = self._span() | dict(bot_filters(line))
            shown.append((bot_name(line, names), row))
        return shown

    @property
    def numbers(self) -> list[tuple[str, Row]]:
        """The figures of each number."""
        rows = rows_by(self._number, self.lines, self.delays)
        return [
            (number_name(number, self.labels, hide=self.hide), row)
            for number, row in list(rows.items())[:MAX_ROWS]
        ]

    @cached_property
    def _costs_by_day(self) -> dict[date, tuple[int, Cost]]:
        return queries.costs_by_day(self.calls)

    @property
    def cost_days(self) -> list[CostRow]:
        """Calls and cost of each day that had calls, the latest days first."""
        rows = self._costs_by_day.items()
        shown = [CostRow(day_text(day), *row) for day, row in rows]
        return shown[::-1][:MAX_DAYS]

    @property
    def cost_months(self) -> list[CostRow]:
        """Calls and cost of each month, the latest first; none for a single month."""
        months: dict[date, tuple[int, Cost]] = {}
        for day, (calls, cost) in self._costs_by_day.items():
            counted, known = months.get(day.replace(day=1), (0, Cost()))
            months[day.replace(day=1)] = counted + calls, known + cost
        rows = [CostRow(f"{day:%B %Y}", *row) for day, row in months.items()]
        return rows[::-1] if len(rows) > 1 else []

    @property
    def drawing(self) -> Drawing:
        """The chart."""
        columns = self.days.columns
        counts = queries.counts_by_column(self.calls, columns.edges)
        return draw(columns.labels, counts, STACKED)

    def file(self) -> str:
        """One row for each bot and number, as CSV."""
        output = StringIO()
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows(cells(row) for row in self._file_rows())
        return output.getvalue()

    def _file_rows(self) -> Iterator[Iterable[Any]]:
        names = self._names
        rows = rows_by(
            lambda line: (bot_name(line, names), self._number(line)),
            self.lines,
            self.delays,
        )
        for (name, number), row in rows.items():
            mean = row.sums.mean_seconds
            yield (
                name,
                number_name(number, dict.fromkeys(self.labels, ""), hide=self.hide),
                *(count.value for count in row.counts),
                None if mean is None else round(mean, 1),
                percentile(row.delays, 0.5),
                percentile(row.delays, 0.95),
                *_cost_cells(row.sums.cost),
            )

    @cached_property
    def _names(self) -> dict[int, str]:
        return dict(Bot.objects.values_list("pk", "name"))

    def _number(self, line: Line) -> str:
        return our_number(line[2], self.labels)

    def _span(self, bot: int | None = None) -> dict[str, Any]:
        span: dict[str, Any] = {
            "started_at__gte": localtime(self.days.begin),
            "started_at__lt": localtime(self.days.end),
        }
        return span | ({} if bot is None else {"bot__id__exact": bot})


def _cost_cells(cost: Cost) -> tuple[float | None, str, bool]:
    known = None if cost.is_unknown else float(round(cost.amount, 6))
    return known, settings.CURRENCY, cost.is_partial


def meanings() -> list[figures.Figure]:
    """The figures of the page, with what they count."""
    return [*COUNTED, figures.COMPLETED, figures.OPEN]
