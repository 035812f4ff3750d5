"""Problems of recordings: not begun, not fetched, not deleted."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.template.defaultfilters import pluralize
from django.utils import timezone

from calls.diagnostics.findings import Finding, warning
from calls.models import Call, Recording
from calls.models.recording import Status
from calls.recordings.queue import MAX_LISTED, backlog
from calls.review.call_links import calls_url

NAME = "Recordings"
RECENT = timedelta(days=1)
SEE_CALLS = (
    "The calls went on without it, and each call's page says why. If the Twilio "
    "account may not record, ask Twilio, or switch recording off on the bot's page."
)
NOT_FETCHED = (
    "They are still at Twilio and can be heard. The server tries again at least every "
    "hour. Make room in the storage, or check RECORDING_STORAGE."
)
NOT_DELETED = (
    "The server tries again at least every hour, until the sound is gone from Twilio "
    "and from the storage."
)


def failed_recordings(calls: QuerySet[Call]) -> Iterator[Finding]:
    """Recordings of these calls that failed lately."""
    since = timezone.now() - RECENT
    failed = Recording.objects.filter(status=Status.FAILED, started_at__gte=since)
    failed = failed.filter(call__in=calls.order_by()).order_by("-pk")
    problems = list(failed.values_list("problem", flat=True)[:MAX_LISTED])
    if problems:
        what = f"{_count(problems)} failed in the last day."
        yield warning(
            NAME,
            f"{what} The latest: {problems[0]}",
            SEE_CALLS,
            link=calls_url(recording="failed"),
            link_text="Calls with a failed recording",
        )


def waiting_sound() -> Iterator[Finding]:
    """Sound that could not be fetched or deleted yet."""
    left = backlog()
    if left.fetches:
        what = f"{_count(left.fetches)} could not be fetched yet."
        yield warning(NAME, f"{what} {left.fetches[0]}", NOT_FETCHED)
    if left.deletions:
        what = f"The sound of {_count(left.deletions)} could not be deleted yet."
        yield warning(NAME, f"{what} {left.deletions[0]}", NOT_DELETED)


def _count(problems: list[str]) -> str:
    return f"{len(problems)} recording{pluralize(len(problems))}"
