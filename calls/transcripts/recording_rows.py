"""Writes what is known about the recordings of a call. Reports come in any order.

The call's session reports what it did, and Twilio's callbacks what happened. Either may
be first, late, or repeated: a report changes a row only if it is news.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from calls.models import Call, Recording, SoundDeletion
from calls.models.recording import MAX_PROBLEM_LENGTH, Status
from calls.twilio.recordings import TwilioRecording

# A recording that has not ended after so long is looked for at Twilio.
CHECKED_AFTER = timedelta(minutes=15)
# Twilio needs a while before it can delete what it has just stopped recording.
DELETED_AFTER = timedelta(minutes=1)
STATUSES = {
    "in-progress": Status.RECORDING,
    "paused": Status.PAUSED,
    "completed": Status.COMPLETED,
    "absent": Status.ABSENT,
    "failed": Status.FAILED,
    "deleted": Status.DELETED,
}
# Twilio, "Error and Warning Dictionary", and "Recording Status Callbacks".
ABSENT_REASONS = {
    "16101": "The call was too short to be recorded.",
    "16102": "The recording was silent, and the Twilio account deletes silent ones.",
}
NO_SOUND = "Twilio recorded nothing, for example because the call was too short."
NOT_STORED = "Twilio could not store the recording."
OUT_OF_CONTROL = (
    "Deleted: Twilio recorded although this server had given up, so nobody could pause "
    "the recording for hidden digits."
)
DELETED_THERE = "The recording was deleted at Twilio."
PROBLEMS = {
    Status.ABSENT: NO_SOUND,
    Status.FAILED: NOT_STORED,
    Status.DELETED: DELETED_THERE,
}


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """News of one recording. `by_us`: from the session, which knows when it did it.

    Without a `sid` nothing was recorded; `problem` says why. `discarded`: nobody may
    hear the sound, and it is deleted wherever it is.
    """

    status: Status
    sid: str = ""
    account_sid: str = ""
    at: datetime | None = None
    seconds: int | None = None
    channels: int | None = None
    problem: str = ""
    by_us: bool = False
    discarded: bool = False


def report_of(recording: TwilioRecording) -> RecordingReport | None:
    """Twilio's report; None for a state that changes nothing yet."""
    status = STATUSES.get(recording.status)
    if status is None or not recording.sid:
        return None
    reason = ABSENT_REASONS.get(recording.error_code, PROBLEMS.get(status, ""))
    return RecordingReport(
        status,
        recording.sid,
        recording.account_sid,
        recording.started_at,
        recording.seconds,
        recording.channels,
        reason,
    )


@transaction.atomic
def record_report(call_id: int, report: RecordingReport) -> Recording | None:
    """Write a report; None if the call is gone, and so the sound has to go."""
    # Locked, so that the session's report and a callback make one row, not two.
    calls = Call.objects.select_for_update(no_key=True).filter(pk=call_id)
    if not calls.exists():
        delete_sound(report.sid, report.account_sid)
        return None
    if report.status == Status.FAILED and not report.sid:
        _discard_uncontrolled(call_id)
    row = _row(call_id, report)
    if _is_out_of_control(row, report):
        report = _discarded(report)
    if row.pk is None or is_news(row.status, report):
        _apply(row, report)
        row.save()
    elif row.duration_ms is None and report.seconds is not None:
        # Also of a deleted recording: Twilio charges for it.
        row.duration_ms = report.seconds * 1000
        row.save(update_fields=["duration_ms"])
    if report.discarded:
        delete_sound(report.sid, report.account_sid, DELETED_AFTER)
    return row


def is_news(before: str, report: RecordingReport) -> bool:
    """True if a row of this status changes by a report.

    A state that has ended stays, except that sound may come that was given up.
    """
    if before in Recording.OPEN:
        return report.status not in Recording.OPEN or report.by_us
    late = before == Status.FAILED and report.status == Status.COMPLETED
    return late or (report.discarded and before != Status.DELETED)


def delete_sound(sid: str, account_sid: str, after: timedelta = timedelta()) -> None:
    """Have a worker delete sound at Twilio."""
    if sid:
        values = {"account_sid": account_sid, "due_at": timezone.now() + after}
        SoundDeletion.objects.get_or_create(sid=sid, file="", defaults=values)


def _row(call_id: int, report: RecordingReport) -> Recording:
    """The row of a recording; of attempts that recorded nothing there is one a call."""
    rows = Recording.objects.filter(call=call_id, source=Recording.Source.TWILIO)
    found = rows.filter(sid=report.sid or None).first()
    started_at = report.at or timezone.now()
    return found or Recording(
        call_id=call_id, sid=report.sid or None, started_at=started_at
    )


def _is_out_of_control(row: Recording, report: RecordingReport) -> bool:
    """True for a recording that runs although its start had no answer.

    The session gave up to look for it, so it cannot be paused.
    """
    if report.by_us or not report.sid or row.is_controlled:
        return False
    rows = Recording.objects.filter(call=row.call_id, sid=None, status=Status.FAILED)
    return rows.exists()


def _discard_uncontrolled(call_id: int) -> None:
    """The session gives up: Twilio may have reported a recording that it never saw."""
    running = Recording.objects.filter(call=call_id, status__in=Recording.OPEN)
    for row in running.filter(is_controlled=False).exclude(sid=None):
        report = RecordingReport(Status.DELETED, row.sid or "", row.account_sid)
        _apply(row, _discarded(report))
        row.save()
        delete_sound(row.sid or "", row.account_sid, DELETED_AFTER)


def _discarded(report: RecordingReport) -> RecordingReport:
    return replace(
        report, status=Status.DELETED, problem=OUT_OF_CONTROL, discarded=True
    )


def _apply(row: Recording, report: RecordingReport) -> None:
    if report.discarded and row.file:  # it was fetched before
        SoundDeletion.objects.get_or_create(sid="", file=str(row.file))
        row.file = ""
    row.status = report.status
    row.account_sid = report.account_sid or row.account_sid
    row.is_controlled |= report.by_us
    row.problem = report.problem[:MAX_PROBLEM_LENGTH]
    if report.by_us and report.at and row.status in Recording.OPEN:
        row.started_at = report.at
    if report.seconds is not None:
        row.duration_ms = report.seconds * 1000
    row.channels = report.channels or row.channels
    row.due_at = due_at(row.status)
    row.attempts = 0


def due_at(status: str) -> datetime | None:
    """When a worker has to do something for a recording that has just got a status."""
    if status in Recording.OPEN:
        return timezone.now() + CHECKED_AFTER
    if status == Status.COMPLETED:  # to be fetched, or its waveform drawn
        return timezone.now()
    return None
