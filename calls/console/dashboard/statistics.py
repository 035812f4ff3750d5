"""The dashboard's figures, from calls and their turns."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from statistics import median
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from calls import figures
from calls.console.dashboard.period import Period
from calls.models import Call, Turn
from calls.transcripts.call_stats import is_milliseconds

# If a period has more answers, only those of every nth call are read.
MAX_RESPONSES = 8_000
# The delay of a model is that of its latest answers.
MAX_RECENT_ANSWERS = 1_000

COUNTED = (
    figures.CALLS,
    figures.ANSWERED,
    figures.FAILED,
    figures.REFUSED,
    figures.INTERRUPTED,
)
COUNTS = {figure.name: Q(**figure.conditions) for figure in COUNTED}
# The calls to count: those of the bots that a person may see.
Calls = QuerySet[Call]
# Numbers of calls, by the keys of COUNTS and the statuses.
Totals = Counter[str]
# Totals by the start of each hour.
HourlyTotals = list[tuple[datetime, Totals]]
# Milliseconds until an answer was played, with the start of its call.
AnswerTimes = list[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class BotCalls:
    """The number of a bot's calls; `bot_id` is None for deleted and unknown bots."""

    bot_id: int | None
    name: str
    calls: int


def open_calls(calls: Calls) -> tuple[int, int]:
    """The number of open calls, and of those among them that lost their connection."""
    counts = calls.filter(**figures.OPEN.conditions).aggregate(
        calls=Count("pk"), lost=Count("disconnected_at")
    )
    return counts["calls"], counts["lost"]


def totals(calls: Calls, starts: dict[str, datetime]) -> dict[str, Totals]:
    """Totals since each of the named times."""
    counts = {
        f"{name}_{kind}": Count("pk", filter=condition & Q(started_at__gte=start))
        for name, start in starts.items()
        for kind, condition in COUNTS.items()
    }
    since = calls.filter(started_at__gte=min(starts.values()))
    row = since.aggregate(**counts)
    return {
        name: Counter({kind: row[f"{name}_{kind}"] for kind in COUNTS})
        for name in starts
    }


def by_hour(calls: Calls, period: Period) -> HourlyTotals:
    """Totals of every hour that had calls."""
    rows: Iterable[Mapping[str, Any]] = (
        _within(calls, period)
        .annotate(hour=TruncHour("started_at"))
        .values("hour", "status")
        .annotate(
            calls=Count("*"),
            answered=Count("answered_at"),
            interrupted=Count("status", filter=COUNTS["interrupted"]),
            turns_said=Sum("turn_count"),
        )
        .order_by()  # sorting by the hour would sort every call
    )
    return [(row["hour"], _totals(row)) for row in rows]


def _totals(row: Mapping[str, Any]) -> Totals:
    is_open = row["status"] not in Call.OVER
    status = figures.OPEN.name if is_open else row["status"]
    kinds = ("calls", "answered", "interrupted", "turns_said")
    return Counter({status: row["calls"], **{kind: row[kind] for kind in kinds}})


def by_bot(calls: Calls, period: Period) -> list[BotCalls]:
    """Calls by bot, the busiest first; deleted bots by the name that they had."""
    rows = (
        _within(calls, period)
        .values_list("bot_id", "bot__name", "bot_name")
        .annotate(calls=Count("*"))
        .order_by()
    )
    counts: Counter[tuple[int | None, str]] = Counter()
    for bot_id, name_now, name_then, count in rows:
        counts[bot_id, name_then if bot_id is None else name_now] += count
    bots = (BotCalls(*bot, count) for bot, count in counts.items())
    return sorted(bots, key=lambda bot: (-bot.calls, bot.name))


def answer_times(calls: Calls, period: Period, hours: HourlyTotals) -> AnswerTimes:
    """The answer times of a period, of which `hours` are the totals.

    If there are too many answers, only those of every nth call are read, so that each
    day or hour of the period keeps its share.
    """
    if not hours:
        return []
    calls = _within(calls, period)
    answers = sum(counts["turns_said"] for _, counts in hours) / 2
    if (step := ceil(answers / MAX_RESPONSES)) > 1:
        calls = calls.alias(remainder=F("pk") % step).filter(remainder=0)
    rows: Iterable[tuple[datetime, Any]] = (
        Turn.objects.filter(call__in=calls.order_by(), role=Turn.Role.BOT)
        .exclude(model="")  # fixed sentences are no answers
        .order_by("-call__started_at")
        .values_list("call__started_at", "latency_ms__play_sent")[:MAX_RESPONSES]
    )
    return [(start, float(ms)) for start, ms in rows if is_milliseconds(ms)]


def usual_answer_times() -> dict[str, float]:
    """Seconds until the latest answers were played, by model: of each the median."""
    rows: Iterable[tuple[str, Any]] = (
        Turn.objects.filter(role=Turn.Role.BOT)
        .exclude(model="")
        .order_by("-pk")
        .values_list("model", "latency_ms__play_sent")[:MAX_RECENT_ANSWERS]
    )
    times: dict[str, list[float]] = defaultdict(list)
    for model, ms in rows:
        if is_milliseconds(ms):
            times[model].append(float(ms))
    return {model: round(median(waits) / 1000, 1) for model, waits in times.items()}


def percentile(values: list[float], share: float) -> float | None:
    """The value that this share of the values does not exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _within(calls: Calls, period: Period) -> Calls:
    return calls.filter(started_at__gte=period.begin, started_at__lt=period.end)
