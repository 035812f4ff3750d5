"""Transferred calls, which run in no process: the caller talks to a person."""

from django.utils import timezone

from calls.db import run_in_db_thread
from calls.live_feed.snapshot import Update, call_header
from calls.models import Call
from calls.transfer import pending

MAX_CALLS = 100
BACK = "On the way back to the bot"


@run_in_db_thread
def transferred_calls() -> list[Update]:
    """Each transferred call as the live page shows it."""
    calls = Call.objects.filter(status=Call.Status.IN_PROGRESS).exclude(transfer={})
    return [_update(call) for call in calls.defer("settings", "variables")[:MAX_CALLS]]


def _update(call: Call) -> Update:
    transfer = pending(call.transfer)
    start = call.answered_at or call.started_at
    now = timezone.now()
    seconds = round((now - start).total_seconds(), 1)
    return {
        "call": call.call_sid,
        "bot": call.bot_id,
        "status": transfer.display if transfer else BACK,
        "about": {**call_header(call), "seconds": seconds, "at": now.timestamp()},
    }
