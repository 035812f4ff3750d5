"""Closes calls that nobody will close any more, with an honest reason."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from calls.models.call import Call, CallQuerySet
from calls.transcripts.closing import close_calls
from calls.twilio.twiml import DIAL_TIME_LIMIT

log = logging.getLogger(__name__)

# A call in progress is seen every `BEAT_SECONDS`; unseen so long, it counts as dead.
STALE_AFTER = timedelta(seconds=150)
# The carrier asks what to do about a lost line within seconds, or not at all.
GONE = timedelta(seconds=30)
# Nobody here carries a call that is with a person: the carrier says when it is over,
# and ends it itself after `LONGEST_TALK`. There is no carrier for a test call.
TRANSFERRED = timedelta(seconds=DIAL_TIME_LIMIT + 600)

_REASONS = Call.EndReason


class Reaper:
    """Looks for dead calls; any number of processes may do so at once.

    A call is closed when two looks in a row find it unseen, and not once seen between
    them: after the database was away, whoever carries calls must have had the time to
    say so. All moments compared are the database's.
    """

    def __init__(self) -> None:
        self.suspects: dict[int, datetime] = {}

    def run(self) -> int:
        """Close what was found dead before and still is; how many calls that were."""
        suspects, self.suspects = self.suspects, {}
        away = Q(transfer__has_key="number", is_test=False)
        silent = Q(last_seen_at__lt=Now() - STALE_AFTER) | Q(
            disconnected_at__lt=Now() - GONE
        )
        silent = (silent & ~away) | Q(away, last_seen_at__lt=Now() - TRANSFERRED)
        unseen = Call.objects.open().filter(silent)
        found = dict(unseen.values_list("pk", "last_seen_at"))
        dead = [
            pk for pk, last_seen_at in found.items() if suspects.get(pk) == last_seen_at
        ]
        closed = sum(_close(unseen.filter(pk=pk)) for pk in dead)
        self.suspects = {pk: at for pk, at in found.items() if pk not in dead}
        if closed:
            calls = "1 call was" if closed == 1 else f"{closed} calls were"
            log.warning("%s closed that nobody was seen to carry", calls)
        return closed


@transaction.atomic
def _close(left: CallQuerySet) -> int:
    """Close one call, unless somebody else just did."""
    ringing = left.filter(status=Call.Status.RINGING)
    away = left.filter(transfer__has_key="number")
    lost = left.filter(disconnected_at__isnull=False)
    for calls, reason, moment in (
        (ringing, _REASONS.NEVER_CONNECTED, "last_seen_at"),
        (away, _REASONS.CONNECTION_LOST, "last_seen_at"),
        (lost, _REASONS.CONNECTION_LOST, "disconnected_at"),
        (left, _REASONS.SERVER_STOPPED, "last_seen_at"),
    ):
        if close_calls(calls, Call.Status.FAILED, reason, ended_at=F(moment)):
            return 1
    return 0
