"""Closes calls: status, statistics, metric and what follows, in one transaction."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calls import metrics
from calls.models import Call, CallCost, CallToCheck
from calls.models.call import CallQuerySet
from calls.transcripts.call_stats import update_stats
from calls.transcripts.task_creation import create_tasks

# Number of calls whose turns are in memory at once.
CHUNK = 500


@transaction.atomic
def close_calls(
    calls: CallQuerySet,
    status: str,
    reason: str,
    ended_at: datetime | F | None = None,
) -> int:
    """Close those of `calls` that are still open; returns how many.

    They ended now, unless `ended_at` says otherwise.
    """
    closed = mark_closed(calls, status, reason, ended_at)
    complete(closed)
    return len(closed)


@transaction.atomic
def mark_closed(
    calls: CallQuerySet,
    status: str,
    reason: str,
    ended_at: datetime | F | None = None,
) -> list[int]:
    """Do the first half of `close_calls`; returns the ids of the closed calls.

    For a caller that has turns to write in the same transaction, before `complete`.
    """
    # Locked in one order, so that two processes cannot deadlock; with `no_key`, so that
    # turns can be inserted meanwhile.
    rows = calls.open().order_by("pk").select_for_update(no_key=True)
    ids = list(rows.values_list("pk", flat=True))
    if ids:
        Call.objects.filter(pk__in=ids).update(
            status=status, end_reason=reason, ended_at=ended_at or timezone.now()
        )
        transaction.on_commit(
            lambda: metrics.count_ended_calls(status, reason, len(ids))
        )
    return ids


def complete(call_ids: Iterable[int]) -> None:
    """Update what lists and searches read of closed calls; create post-call tasks.

    Have the rules for alerts look at them. Repeating it does no harm.
    """
    ids = sorted(call_ids)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        update_stats(chunk)
        Call.objects.filter(pk__in=chunk).exclude(variables={}).update_search_text()
        create_tasks(chunk)
        CallCost.objects.make_due(chunk)
        CallToCheck.objects.put(chunk)
