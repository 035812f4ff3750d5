"""Counts calls by bot and number. The work is bounded for any number of calls."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    F,
    FloatField,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)

from calls import figures
from calls.console.dashboard.statistics import MAX_RESPONSES
from calls.models import Call, Turn
from calls.models.costs import cost_in_sums, cost_sums
from calls.prices.calculation import Cost
from calls.transcripts.call_stats import is_milliseconds

OUR_NUMBER = Case(
    When(direction=Call.Direction.OUTBOUND, then="from_number"), default="to_number"
)
COUNTED = (figures.ANSWERED, figures.FAILED, figures.REFUSED, figures.TRANSFERRED)
# What the columns of the chart are made of; each call is in one of them.
STACKED = (figures.COMPLETED, figures.FAILED, figures.REFUSED, figures.OPEN)

# A bot's id, or the name of a deleted bot, and our number as Twilio wrote it.
Line = tuple[int | None, str, str]


class Seconds(Func):
    """The seconds from one time to another, computed by the database itself."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))::float8"
    arg_joiner = " - "
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        days = "julianday(%(expressions)s)"
        return self.as_sql(
            compiler,
            connection,
            template=f"({days}) * 86400.0",
            arg_joiner=") - julianday(",
            **context,
        )


@dataclass(slots=True)
class Sums:
    """The figures of some calls, which can be added up."""

    counts: Counter[str] = field(default_factory=Counter)
    ended: int = 0  # answered calls that are over
    seconds: float = 0.0  # their length
    turns: int = 0
    cost: Cost = field(default_factory=Cost)

    def add(self, other: "Sums") -> None:
        self.counts += other.counts
        self.ended += other.ended
        self.seconds += other.seconds
        self.turns += other.turns
        self.cost += other.cost

    @property
    def mean_seconds(self) -> float | None:
        return self.seconds / self.ended if self.ended else None


def calls_between(
    calls: QuerySet[Call], begin: datetime, end: datetime
) -> QuerySet[Call]:
    """The calls that began in this time."""
    return calls.filter(started_at__gte=begin, started_at__lt=end)


def sums_by_line(calls: QuerySet[Call]) -> dict[Line, Sums]:
    """The figures of each bot and number."""
    talked = Q(answered_at__isnull=False, ended_at__isnull=False)
    rows: Iterable[Mapping[str, Any]] = (
        calls.annotate(number=OUR_NUMBER)
        .values("bot_id", "bot_name", "number")
        .annotate(
            calls=Count("*"),
            ended=Count("pk", filter=talked),
            seconds=Sum(Seconds("ended_at", "answered_at"), filter=talked),
            turns_said=Sum("turn_count"),
            **cost_sums(settings.CURRENCY),
            **{
                figure.name: Count("pk", filter=Q(**figure.conditions))
                for figure in COUNTED
            },
        )
        .order_by()
    )
    found: defaultdict[Line, Sums] = defaultdict(Sums)
    for row in rows:
        counts = Counter({figure.name: row[figure.name] for figure in COUNTED})
        counts[figures.CALLS.name] = row["calls"]
        seconds = max(row["seconds"] or 0.0, 0.0)
        sums = Sums(counts, row["ended"], seconds, row["turns_said"], cost_in_sums(row))
        found[_line(row["bot_id"], row["bot_name"], row["number"])].add(sums)
    return dict(found)


def costs_by_day(calls: QuerySet[Call]) -> dict[date, tuple[int, Cost]]:
    """The number of calls and their cost, by day; calls without a cost are left out."""
    rows: Iterable[Mapping[str, Any]] = (
        calls.filter(cost__day__isnull=False)
        .values("cost__day")
        .annotate(calls=Count("*"), **cost_sums(settings.CURRENCY))
        .order_by("cost__day")
    )
    return {row["cost__day"]: (row["calls"], cost_in_sums(row)) for row in rows}


def counts_by_column(
    calls: QuerySet[Call], edges: Sequence[datetime]
) -> list[Counter[str]]:
    """Calls of each column of the chart, by what became of them."""
    ends = [When(started_at__lt=edge, then=place) for place, edge in enumerate(edges)]
    rows = (
        calls.annotate(column=Case(*ends[1:], output_field=IntegerField()))
        .values_list("column", "status")
        .annotate(calls=Count("*"))
        .order_by()
    )
    counts: list[Counter[str]] = [Counter() for _ in edges[1:]]
    for column, status, number in rows:
        is_open = status not in Call.OVER
        counts[column - 1][figures.OPEN.name if is_open else status] += number
    return counts


def _line(bot_id: int | None, bot_name: str, number: str) -> Line:
    return bot_id, bot_name if bot_id is None else "", number


def first_words(calls: QuerySet[Call], turns: int) -> list[tuple[Line, float]]:
    """Milliseconds from a caller's last word to the first sound of an answer.

    Of too many answers, those of every nth call are read; `turns` says how many turns
    the calls have.
    """
    if (step := ceil(turns / 2 / MAX_RESPONSES)) > 1:
        remainder = F("pk") % Value(step)
        calls = calls.alias(remainder=remainder).filter(remainder=0)
    said = calls.filter(turn_count__gt=0).order_by()
    lines = {
        pk: _line(*line)
        for pk, *line in said.values_list("pk", "bot_id", "bot_name", OUR_NUMBER)
    }
    rows: Iterable[tuple[int, Any]] = (
        Turn.objects.filter(call__in=lines, role=Turn.Role.BOT)
        .exclude(model="")  # fixed sentences are no answers
        .order_by()
        .values_list("call_id", "latency_ms__play_sent")
    )
    return [(lines[pk], float(ms)) for pk, ms in rows if is_milliseconds(ms)]
