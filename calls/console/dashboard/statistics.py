"""The figures of the first page, read from calls and turns; test calls never count."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from calls.console.dashboard.period import Period
from calls.models import Call, Turn
from calls.transcripts.call_stats import is_milliseconds

OPEN = [status for status in Call.Status if status not in Call.OVER]
# Above this many answers in a period, those of every nth call stand for all.
MAX_RESPONSES = 8_000

COUNTS = {
    "calls": Q(),
    "answered": Q(answered_at__isnull=False),
    "failed": Q(status=Call.Status.FAILED),
    "refused": Q(status=Call.Status.REFUSED),
    "interrupted": Q(was_interrupted=True),
}
Tally = Counter[str]
Hours = list[tuple[datetime, Tally]]
Waits = list[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class BotCalls:
    """How many calls a bot took; no `bot_id` when it is deleted or never was."""

    bot_id: int | None
    name: str
    calls: int


def open_calls() -> tuple[int, int]:
    """Calls not over yet, and how many of them have lost their line."""
    left = Call.objects.real().filter(status__in=OPEN)
    counted = left.aggregate(calls=Count("pk"), lost=Count("disconnected_at"))
    return counted["calls"], counted["lost"]


def totals(starts: dict[str, datetime]) -> dict[str, Tally]:
    """Calls by what became of them, since each of the named moments."""
    counted = {
        f"{name}_{kind}": Count("pk", filter=which & Q(started_at__gte=start))
        for name, start in starts.items()
        for kind, which in COUNTS.items()
    }
    calls = Call.objects.real().filter(started_at__gte=min(starts.values()))
    found = calls.aggregate(**counted)
    return {
        name: Counter({kind: found[f"{name}_{kind}"] for kind in COUNTS})
        for name in starts
    }


def totals_of(hours: Hours, starts: dict[str, datetime]) -> dict[str, Tally]:
    """The same as `totals`, from hours that reach back far enough."""
    return {
        name: sum((tally for hour, tally in hours if hour >= start), Counter())
        for name, start in starts.items()
    }


def by_hour(period: Period) -> Hours:
    """Calls by what became of them, for every hour that had any."""
    rows: Iterable[Mapping[str, Any]] = (
        _within(period)
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
    return [(row["hour"], _tally(row)) for row in rows]


def _tally(row: Mapping[str, Any]) -> Tally:
    status = "open" if row["status"] in OPEN else row["status"]
    kinds = ("calls", "answered", "interrupted", "turns_said")
    return Counter({status: row["calls"], **{kind: row[kind] for kind in kinds}})


def by_bot(period: Period) -> list[BotCalls]:
    """Calls by bot, the busiest first; a deleted bot's by the name it had."""
    rows = (
        _within(period)
        .values_list("bot_id", "bot__name", "bot_name")
        .annotate(calls=Count("*"))
        .order_by()
    )
    found: Counter[tuple[int | None, str]] = Counter()
    for bot_id, name_now, name_then, calls in rows:
        found[bot_id, name_then if bot_id is None else name_now] += calls
    bots = (BotCalls(*bot, calls) for bot, calls in found.items())
    return sorted(bots, key=lambda bot: (-bot.calls, bot.name))


def answer_times(period: Period, hours: Hours) -> Waits:
    """When calls began and how long their answers took to be played (ms).

    Of too many answers only those of every nth call are read, so that each day or
    hour of the period keeps its share.
    """
    if not hours:
        return []
    calls = _within(period)
    answers = sum(tally["turns_said"] for _, tally in hours) / 2
    if (every := ceil(answers / MAX_RESPONSES)) > 1:
        calls = calls.alias(turn_to_be_read=F("pk") % every).filter(turn_to_be_read=0)
    rows: Iterable[tuple[datetime, Any]] = (
        Turn.objects.filter(call__in=calls.order_by(), role=Turn.Role.BOT)
        .exclude(model="")  # fixed sentences answer nothing
        .order_by("-call__started_at")
        .values_list("call__started_at", "latency_ms__play_sent")[:MAX_RESPONSES]
    )
    return [(begun, float(ms)) for begun, ms in rows if is_milliseconds(ms)]


def percentile(values: list[float], share: float) -> float | None:
    """The value that this share of the values does not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _within(period: Period) -> QuerySet[Call]:
    calls = Call.objects.real()
    return calls.filter(started_at__gte=period.begin, started_at__lt=period.end)
