"""Closes calls that nobody will close any more, with an honest reason."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from calls import metrics
from calls.models.call import Call, CallQuerySet
from calls.transcripts import call_stats
from calls.twilio.twiml import LONGEST_TALK

log = logging.getLogger(__name__)

# A call in progress is seen every `BEAT_SECONDS`; unseen so long, it counts as dead.
UNSEEN = timedelta(seconds=150)
# The carrier asks what to do about a lost line within seconds, or not at all.
GONE = timedelta(seconds=30)
# Nobody here carries a call that is with a person: the carrier says when it is over,
# and ends it itself after `LONGEST_TALK`. There is no carrier for a test call.
WITH_A_PERSON = timedelta(seconds=LONGEST_TALK + 600)

_REASONS = Call.EndReason


class Reaper:
    """Looks for dead calls; any number of processes may do so at once.

    A call is closed when two looks in a row find it unseen, and not once seen between
    them: after the database was away, whoever carries calls must have had the time to
    say so. All moments compared are the database's.
    """

    def __init__(self) -> None:
        self.suspects: dict[int, datetime] = {}

    def look(self) -> int:
        """Close what was found dead before and still is; how many calls that were."""
        suspects, self.suspects = self.suspects, {}
        away = Q(transfer__has_key="number", is_test=False)
        silent = Q(seen_at__lt=Now() - UNSEEN) | Q(lost_at__lt=Now() - GONE)
        silent = (silent & ~away) | Q(away, seen_at__lt=Now() - WITH_A_PERSON)
        unseen = Call.objects.open().filter(silent)
        found = dict(unseen.values_list("pk", "seen_at"))
        dead = [pk for pk, seen_at in found.items() if suspects.get(pk) == seen_at]
        closed = sum(_close(unseen.filter(pk=pk), pk) for pk in dead)
        self.suspects = {pk: at for pk, at in found.items() if pk not in dead}
        if closed:
            calls = "1 call was" if closed == 1 else f"{closed} calls were"
            log.warning("%s closed that nobody was seen to carry", calls)
        return closed


@transaction.atomic
def _close(left: CallQuerySet, pk: int) -> int:
    """Close one call, unless somebody else just did."""
    ringing = left.filter(status=Call.Status.RINGING)
    away = left.filter(transfer__has_key="number")
    lost = left.filter(lost_at__isnull=False)
    for calls, reason, moment in (
        (ringing, _REASONS.NEVER_CONNECTED, "seen_at"),
        (away, _REASONS.CONNECTION_LOST, "seen_at"),
        (lost, _REASONS.CONNECTION_LOST, "lost_at"),
        (left, _REASONS.SERVER_STOPPED, "seen_at"),
    ):
        if calls.update(
            status=Call.Status.FAILED, end_reason=reason, ended_at=F(moment)
        ):
            transaction.on_commit(metrics.CALLS_OVER.labels(reason).inc)
            call_stats.note([pk])
            return 1
    return 0
