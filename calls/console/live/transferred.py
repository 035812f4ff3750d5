"""Calls that no process has: the caller is with a person, or on the way to one."""

from django.utils import timezone

from calls.db import in_any_thread
from calls.live_feed.snapshot import News, about
from calls.models import Call
from calls.transfer import pending

# As many as a page is told of.
MOST = 100
BACK = "On the way back to the bot"


@in_any_thread
def away() -> list[News]:
    """Every such call as the live page shows it, and how far its caller is."""
    found = Call.objects.filter(status=Call.Status.IN_PROGRESS).exclude(transfer={})
    return [_seen(call) for call in found.defer("settings", "variables")[:MOST]]


def _seen(call: Call) -> News:
    transfer = pending(call.transfer)
    began = call.answered_at or call.started_at
    seconds = round((timezone.now() - began).total_seconds(), 1)
    return {
        "call": call.call_sid,
        "told": transfer.told if transfer else BACK,
        "about": {**about(call), "seconds": seconds},
    }
