"""The doctor's checks of webhooks and summaries."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from calls.diagnostics.findings import Finding, ok, warning
from calls.diagnostics.secret_warnings import webhook_secret_findings
from calls.models import PostCallTask
from calls.models.post_call_task import State

NAME = "After calls"
RECENT = timedelta(days=1)


def probe_post_call_tasks() -> Iterator[Finding]:
    """Check that webhooks can be signed, and that no task failed for good lately."""
    # Calls work without their webhooks, so these are warnings here.
    findings = [
        *(
            warning(NAME, found.message, found.hint)
            for found in webhook_secret_findings()
        ),
        *_given_up(),
    ]
    yield from findings or [ok(NAME, "No summary and no webhook was given up lately.")]


def _given_up() -> Iterator[Finding]:
    recent = PostCallTask.objects.filter(
        state=State.FAILED, created_at__gte=timezone.now() - RECENT
    )
    counts = recent.order_by("kind").values_list("kind").annotate(Count("pk"))
    for kind, count in counts:
        yield warning(
            NAME,
            f"Given up in the last day: {count} x {kind}.",
            "The console's list of after-call tasks says why, and can repeat them.",
        )
