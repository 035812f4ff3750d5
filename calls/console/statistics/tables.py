"""The tables of the statistics: one row a bot, one row a number, and all calls."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings

from bots.phone_numbers.caller_id import canonical, national_number
from bots.phone_numbers.masking import masked
from calls import figures
from calls.console.dashboard.statistics import percentile
from calls.console.statistics.queries import Line, Sums
from calls.prices.money import cost_text
from calls.review.call_links import calls_url
from calls.review.call_page import format_offset

COUNTED = (
    figures.CALLS,
    figures.ANSWERED,
    figures.FAILED,
    figures.REFUSED,
    figures.TRANSFERRED,
)
# Rows of a table; the quietest ones are left out.
MAX_ROWS = 100
NO_BOT, NO_NUMBER = "No bot", "No number"

Filters = Mapping[str, Any]
Delays = Mapping[Line, list[float]]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of calls; `link` leads to them, if they have a list."""

    value: int
    link: str


@dataclass(slots=True)
class Row:
    """The figures of some calls. `filters` are their parameters in the list of calls.

    They are None for calls that no filter of the list can name.
    """

    filters: Filters | None = None
    sums: Sums = field(default_factory=Sums)
    delays: list[float] = field(default_factory=list)  # of first words, in ms

    @property
    def calls(self) -> int:
        """The number of calls."""
        return self.sums.counts[figures.CALLS.name]

    @property
    def counts(self) -> list[Count]:
        """The numbers of calls, as COUNTED has them."""
        return [
            Count(self.sums.counts[figure.name], self._link(figure))
            for figure in COUNTED
        ]

    def _link(self, figure: figures.Figure) -> str:
        if self.filters is None:
            return ""
        return calls_url(**self.filters, **figure.parameters)

    @property
    def mean_length(self) -> str:
        """The mean length of answered calls."""
        seconds = self.sums.mean_seconds
        return (
            "-" if seconds is None else format_offset(timedelta(seconds=round(seconds)))
        )

    @property
    def cost(self) -> str:
        """The cost of the calls, “at least” if it is not all known."""
        return cost_text(self.sums.cost, settings.CURRENCY) if self.calls else "-"

    @property
    def delay_texts(self) -> list[str]:
        """Median and 95th percentile of the delay of the first word."""
        texts = []
        for share in (0.5, 0.95):
            ms = percentile(self.delays, share)
            texts.append("-" if ms is None else f"{ms / 1000:.2f} s")
        return texts


def delays_of(words: Iterable[tuple[Line, float]]) -> Delays:
    """The delays of first words by line."""
    delays: defaultdict[Line, list[float]] = defaultdict(list)
    for line, ms in words:
        delays[line].append(ms)
    return delays


def rows_by(
    key: Callable[[Line], K], lines: Mapping[Line, Sums], delays: Delays
) -> dict[K, Row]:
    """Lines with one key added up, those with most calls first."""
    rows: defaultdict[K, Row] = defaultdict(Row)
    for line, sums in lines.items():
        row = rows[key(line)]
        row.sums.add(sums)
        row.delays += delays.get(line, [])
    busiest = sorted(rows.items(), key=lambda item: -item[1].calls)
    return dict(busiest)


def bot_name(line: Line, names: Mapping[int, str]) -> str:
    """The name of a line's bot."""
    bot_id, name_then, _ = line
    if bot_id is not None:
        return names.get(bot_id, NO_BOT)
    return f"{name_then} (deleted)" if name_then else NO_BOT


def bot_filters(line: Line) -> Filters:
    """The parameters with which the list of calls shows a bot's calls."""
    bot_id, name_then, _ = line
    if bot_id is not None:
        return {"bot__id__exact": bot_id}
    return {"bot__isnull": 1, "bot_name__exact": name_then}


def our_number(called: str, ours: Iterable[str]) -> str:
    """The number in the spelling of this console, whichever Twilio used."""
    number = canonical(called)
    if number in ours or number.startswith("+"):
        return number
    same = [one for one in ours if national_number(one) == number.lstrip("0")]
    return (
        same[0] if len(same) == 1 else f"+{number}" if f"+{number}" in ours else number
    )


def number_name(number: str, labels: Mapping[str, str], *, hide: bool) -> str:
    """A number with its label. One that is not ours is masked for some users."""
    if number in labels:
        return f"{number} {labels[number]}".strip()
    return (masked(number) if hide else number) or NO_NUMBER
