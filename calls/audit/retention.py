"""Deletes old events."""

from datetime import datetime, timedelta

from calls.models import AuditEvent

KEPT = timedelta(days=180)
# Anybody can cause events: sign-ins that fail.
MAX_EVENTS = 100_000


def purge_events(now: datetime) -> None:
    """Delete events past their time, and the oldest if there are too many."""
    AuditEvent.objects.filter(at__lt=now - KEPT).delete()
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)
    for oldest_kept in newest[MAX_EVENTS - 1 : MAX_EVENTS]:
        AuditEvent.objects.filter(pk__lt=oldest_kept).delete()
