"""Measures the latest answers and calls against the bounds of rules."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, Q, QuerySet

from bots.models.bot_turn_taking import MAX_CALL_MINUTES
from calls.figures import FAILED, REFUSED
from calls.models import AlertRule, Call, Turn
from calls.models.alert import Event
from calls.transcripts.call_stats import is_milliseconds

# Fewer answers or calls show nothing.
FEWEST = 5
MAX_ANSWERS = 5000
SHARE = 0.95


def above_bound(rule: AlertRule, now: datetime) -> str:
    """The measure that is above the bound of a rule, in words; empty if none is."""
    if rule.has_lost_its_bot:
        return ""
    return MEASURES[Event(rule.event)](rule, now)


def _slow(rule: AlertRule, now: datetime) -> str:
    since = now - timedelta(minutes=rule.window_minutes)
    # Turns are found by their calls, which have an index.
    calls = _calls(rule, since - timedelta(minutes=MAX_CALL_MINUTES))
    answers = (
        Turn.objects.filter(call__in=calls.order_by(), role=Turn.Role.BOT)
        .filter(started_at__gte=since)
        .exclude(model="")  # fixed sentences are no answers
        .values_list("latency_ms__play_sent", flat=True)[:MAX_ANSWERS]
    )
    waits: list[Any] = sorted(ms for ms in answers if is_milliseconds(ms))
    if len(waits) < FEWEST or rule.max_seconds is None:
        return ""
    seconds = waits[ceil(SHARE * len(waits)) - 1] / 1000
    if seconds <= rule.max_seconds:
        return ""
    return (
        f"5 of 100 answers began after {seconds:.1f} s or later in the last "
        f"{rule.window_minutes} minutes, more than {rule.max_seconds:g} s"
    )


def _errors(rule: AlertRule, now: datetime) -> str:
    since = now - timedelta(minutes=rule.window_minutes)
    calls = _calls(rule, since - timedelta(minutes=MAX_CALL_MINUTES))
    ended = calls.filter(ended_at__gte=since).exclude(**REFUSED.conditions)
    bad = Q(had_error=True) | Q(**FAILED.conditions)
    counts = ended.order_by().aggregate(all=Count("pk"), bad=Count("pk", filter=bad))
    if counts["all"] < FEWEST or rule.max_percent is None:
        return ""
    percent = 100 * counts["bad"] / counts["all"]
    if percent <= rule.max_percent:
        return ""
    return (
        f"{counts['bad']:,} of {counts['all']:,} calls in the last "
        f"{rule.window_minutes} minutes, more than {rule.max_percent} %"
    )


def _calls(rule: AlertRule, since: datetime) -> QuerySet[Call]:
    calls = Call.objects.real().filter(started_at__gte=since)
    return calls if rule.is_for_all_bots else calls.filter(bot=rule.bot_id)


MEASURES: dict[str, Callable[[AlertRule, datetime], str]] = {
    Event.SLOW: _slow,
    Event.ERRORS: _errors,
}
