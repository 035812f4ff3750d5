"""Has the sound of deleted calls deleted: at Twilio and in our own storage."""

from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from calls.models import Recording, SoundDeletion
from calls.models.recording import Status
from calls.recordings.fetching import file_name


def delete_sounds_of(call_ids: list[int]) -> None:
    """Note all sound of these calls for deletion, before their rows are gone."""
    rows = Recording.objects.filter(call__in=call_ids)
    deletions = [each for row in rows for each in _deletions(row)]
    SoundDeletion.objects.bulk_create(deletions, ignore_conflicts=True)


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
