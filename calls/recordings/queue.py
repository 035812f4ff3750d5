"""Recordings that are due for a worker: claimed, settled, put off.

A claim moves `due_at` into the future. If the process dies, another one claims the
recording then. Of several processes the database lets one update the row. All times
compared are the database's own.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from calls.models import Recording, SoundDeletion
from calls.models.recording import MAX_PROBLEM_LENGTH, Status
from calls.recordings.schedule import pause_after

# For how long a claim keeps other processes away: longer than a fetch may take.
LEASE = timedelta(minutes=30)
MAX_LISTED = 1_000

Row = TypeVar("Row", Recording, SoundDeletion)


def claim() -> Recording | None:
    """The next recording that is due, for this process alone."""
    return _claim(Recording.objects.select_related("call"))


def claim_deletion() -> SoundDeletion | None:
    """The next sound to delete, for this process alone."""
    return _claim(SoundDeletion.objects.all())


def _claim(rows: QuerySet[Row]) -> Row | None:
    due = Q(due_at__lte=Now())
    for row in rows.filter(due).order_by("due_at")[:5]:
        same = _mine(row).filter(due)
        if same.update(attempts=row.attempts + 1, due_at=Now() + LEASE):
            row.attempts += 1
            return row
    return None


def settle(row: Recording, **values: Any) -> bool:
    """Write the result of a claim; False if the row is gone or another one has it."""
    return _mine(row).update(due_at=None, attempts=0, **values) == 1


def put_off(row: Recording | SoundDeletion, problem: str = "") -> None:
    """Try again after a pause."""
    pause = pause_after(row.attempts, random.random())  # noqa: S311  (no secret)
    words = problem[:MAX_PROBLEM_LENGTH]
    _mine(row).update(due_at=Now() + pause, problem=words)


def wait(row: Recording, pause: timedelta) -> None:
    """Look at a recording again after a pause; nothing has failed."""
    _mine(row).update(due_at=Now() + pause, attempts=0)


def _mine(row: Recording | SoundDeletion) -> QuerySet[Any]:
    rows: QuerySet[Any] = type(row)._default_manager.all()
    return rows.filter(pk=row.pk, attempts=row.attempts)


def fetch_all_from_now_on() -> int:
    """Have earlier recordings fetched, too, where fetching was switched on later."""
    left = Recording.objects.filter(
        Q(file=""), source=Recording.Source.TWILIO, status=Status.COMPLETED, due_at=None
    )
    return left.exclude(sid=None).update(due_at=Now())


@dataclass(frozen=True, slots=True)
class Backlog:
    """Problems of recordings that could not be fetched or deleted yet, latest first."""

    fetches: list[str]
    deletions: list[str]


def backlog() -> Backlog:
    """Recordings and deletions that failed and wait for another attempt."""
    failed = Q(attempts__gt=0) & ~Q(problem="")
    fetches = Recording.objects.filter(failed, status=Status.COMPLETED, file="")
    deletions = SoundDeletion.objects.filter(failed)
    return Backlog(
        *(
            list(rows.order_by("-pk").values_list("problem", flat=True)[:MAX_LISTED])
            for rows in (fetches, deletions)
        )
    )
