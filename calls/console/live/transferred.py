"""Calls that no process has: the caller is with a person, or on the way to one."""

from django.utils import timezone

from calls.db import run_in_db_thread
from calls.live_feed.snapshot import Update, call_header
from calls.models import Call
from calls.transfer import pending

# As many as a page is told of.
MAX_CALLS = 100
BACK = "On the way back to the bot"


@run_in_db_thread
def transferred_calls() -> list[Update]:
    """Every such call as the live page shows it, and how far its caller is."""
    found = Call.objects.filter(status=Call.Status.IN_PROGRESS).exclude(transfer={})
    return [_seen(call) for call in found.defer("settings", "variables")[:MAX_CALLS]]


def _seen(call: Call) -> Update:
    transfer = pending(call.transfer)
    began = call.answered_at or call.started_at
    seconds = round((timezone.now() - began).total_seconds(), 1)
    return {
        "call": call.call_sid,
        "told": transfer.display if transfer else BACK,
        "about": {**call_header(call), "seconds": seconds},
    }
