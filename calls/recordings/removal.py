"""Has the sound of deleted recordings deleted: at Twilio and in our own storage."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models.signals import pre_delete
from django.utils import timezone

from calls.models import Recording, SoundDeletion
from calls.models.recording import Status
from calls.recordings.fetching import file_name


def connect() -> None:
    """Follow every way in which a recording is deleted, above all with its call."""
    pre_delete.connect(_note_sound, Recording, dispatch_uid="recordings")


def _note_sound(instance: Recording, **kwargs: Any) -> None:
    """Note the sound for deletion, in the transaction that deletes the row."""
    notes = list(_deletions(instance))
    SoundDeletion.objects.bulk_create(notes, ignore_conflicts=True)


def _deletions(row: Recording) -> Iterator[SoundDeletion]:
    now = timezone.now()
    if row.sid and not row.removed_at_twilio_at:
        yield SoundDeletion(sid=row.sid, account_sid=row.account_sid, due_at=now)
    if row.file:
        yield SoundDeletion(file=str(row.file), due_at=now)
    elif row.sid and row.status == Status.COMPLETED and settings.FETCH_RECORDINGS:
        # It may be fetched at this moment; the claim says until when.
        name = file_name(row.started_at, row.sid)
        yield SoundDeletion(file=name, due_at=max(row.due_at or now, now))
