"""Closes calls whose process is gone, with the reason why they ended."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from calls.models.call import Call, CallQuerySet
from calls.transcripts.closing import close_calls
from calls.twilio.twiml import DIAL_TIME_LIMIT

log = logging.getLogger(__name__)

# `last_seen_at` of a call in progress is renewed every `BEAT_SECONDS`.
STALE_AFTER = timedelta(seconds=150)
# After a lost relay Twilio asks for new TwiML within seconds, or not at all.
DISCONNECTED_FOR = timedelta(seconds=30)
# No process runs a transferred call: Twilio reports its end, and ends it itself after
# `DIAL_TIME_LIMIT`. For a test call there is no Twilio.
TRANSFERRED = timedelta(seconds=DIAL_TIME_LIMIT + 600)

_REASONS = Call.EndReason


class Reaper:
    """Finds dead calls and closes them. Several processes may do so at once.

    A call is closed if two runs in a row find it stale and `last_seen_at` has not
    changed between them: after a database outage, the other processes need time to
    renew it. All times compared are the database's own.
    """

    def __init__(self) -> None:
        self.suspects: dict[int, datetime] = {}

    def run(self) -> int:
        """Close the calls that were stale in the last run too; returns how many."""
        suspects, self.suspects = self.suspects, {}
        away = Q(transfer__has_key="number", is_test=False)
        silent = Q(last_seen_at__lt=Now() - STALE_AFTER) | Q(
            disconnected_at__lt=Now() - DISCONNECTED_FOR
        )
        silent = (silent & ~away) | Q(away, last_seen_at__lt=Now() - TRANSFERRED)
        unseen = Call.objects.open().filter(silent)
        stale = dict(unseen.values_list("pk", "last_seen_at"))
        dead = [pk for pk, seen_at in stale.items() if suspects.get(pk) == seen_at]
        closed = sum(_close(unseen.filter(pk=pk)) for pk in dead)
        self.suspects = {pk: at for pk, at in stale.items() if pk not in dead}
        if closed:
            log.warning("Closed calls that no process was running any more: %d", closed)
        return closed


@transaction.atomic
def _close(left: CallQuerySet) -> int:
    """Close one call, unless another process has just done so."""
    ringing = left.filter(status=Call.Status.RINGING)
    away = left.filter(transfer__has_key="number")
    lost = left.filter(disconnected_at__isnull=False)
    for calls, reason, end_field in (
        (ringing, _REASONS.NEVER_CONNECTED, "last_seen_at"),
        (away, _REASONS.CONNECTION_LOST, "last_seen_at"),
        (lost, _REASONS.CONNECTION_LOST, "disconnected_at"),
        (left, _REASONS.SERVER_STOPPED, "last_seen_at"),
    ):
        if close_calls(calls, Call.Status.FAILED, reason, ended_at=F(end_field)):
            return 1
    return 0
