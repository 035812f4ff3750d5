"""One step for one recording that is due: fetched, asked for at Twilio, or deleted."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls import metrics
from calls.logs import CallLog
from calls.models import Call, Recording, SoundDeletion
from calls.models.recording import Status, recording_storage
from calls.recordings import queue
from calls.recordings.fetching import NoSound, Stopped, draw, fetch
from calls.recordings.schedule import MAX_MISSING, MAX_QUESTIONS
from calls.transcripts.recording_rows import (
    CHECKED_AFTER,
    RecordingReport,
    delete_sound,
    record_report,
    report_of,
)
from calls.twilio.errors import NotFound, TwilioError
from calls.twilio.recording_files import RecordingFiles

log = logging.getLogger(__name__)

NEVER_CAME = "Twilio never said that this recording was ready, and does not have it."
GONE = "Twilio no longer has the sound of this recording."
NOT_READY = "Twilio does not have the sound yet."
STORAGE = "The storage of recordings does not take the file"


def look_after(
    row: Recording, files: RecordingFiles, is_stopping: Callable[[], bool]
) -> None:
    """Do what is due for a claimed recording."""
    if row.status in Recording.OPEN:
        _ask(row, files)
    elif row.status == Status.COMPLETED and not row.file and settings.FETCH_RECORDINGS:
        _fetch(row, files, is_stopping)
    elif row.status == Status.COMPLETED and not row.file and not row.peaks:
        _draw(row, files, is_stopping)
    else:
        queue.settle(row)


def _ask(row: Recording, files: RecordingFiles) -> None:
    """Ask Twilio for a recording whose end was never reported."""
    if row.call.status not in Call.OVER:
        return queue.wait(row, CHECKED_AFTER)
    try:
        report = report_of(files.ask(row.account_sid, row.sid or ""))
    except NotFound:
        report = RecordingReport(Status.FAILED, row.sid or "", problem=NEVER_CAME)
    except TwilioError as error:
        _log(row).warning("A recording was not asked for: %s", _kind(error))
        return queue.put_off(row)
    if report and report.status not in Recording.OPEN:
        record_report(row.call_id, report)
    elif row.attempts >= MAX_QUESTIONS:
        queue.settle(row, status=Status.FAILED, problem=NEVER_CAME)
    else:
        queue.put_off(row)
    return None


def _fetch(
    row: Recording, files: RecordingFiles, is_stopping: Callable[[], bool]
) -> None:
    """Fetch the sound, then have it deleted at Twilio."""
    try:
        fetched = fetch(row, files, is_stopping)
    except Stopped:
        return queue.wait(row, timedelta())
    except NotFound:
        return _missing(row)
    except (TwilioError, NoSound) as error:
        return _not_fetched(row, error, str(error))
    except Exception as error:  # storages raise what they like
        return _not_fetched(row, error, f"{STORAGE} ({_kind(error)}).")
    metrics.RECORDINGS_FETCHED.labels("done").inc()
    with transaction.atomic():
        if queue.settle(row, fetched_at=timezone.now(), problem="", **fetched):
            return delete_sound(row.sid or "", row.account_sid)
    if not Recording.objects.filter(pk=row.pk, status=Status.COMPLETED).exists():
        # erased or discarded meanwhile
        recording_storage().delete(str(fetched["file"]))
    return None


def _draw(
    row: Recording, files: RecordingFiles, is_stopping: Callable[[], bool]
) -> None:
    """Draw the waveform of sound that stays at Twilio."""
    try:
        drawn = draw(row, files, is_stopping)
    except Stopped:
        return queue.wait(row, timedelta())
    except NotFound:
        return _missing(row)
    except (TwilioError, NoSound, OSError) as error:
        _log(row).warning("No waveform of a recording: %s", _kind(error))
        if row.attempts < MAX_MISSING:
            return queue.put_off(row)
        drawn = {}  # people can listen without one
    queue.settle(row, problem="", **drawn)
    return None


def _missing(row: Recording) -> None:
    if row.attempts < MAX_MISSING:
        return _not_fetched(row, NotFound(), NOT_READY)
    metrics.RECORDINGS_FETCHED.labels("failed").inc()
    queue.settle(row, status=Status.FAILED, problem=GONE)
    return None


def _not_fetched(row: Recording, error: Exception, problem: str) -> None:
    _log(row).warning("A recording was not fetched: %s", _kind(error))
    metrics.RECORDINGS_FETCHED.labels("failed").inc()
    queue.put_off(row, problem)


def delete(row: SoundDeletion, files: RecordingFiles) -> None:
    """Delete sound wherever it is; what cannot be deleted now is put off."""
    try:
        if row.file:
            recording_storage().delete(row.file)
        if row.sid:
            files.delete(row.account_sid, row.sid)
    except TwilioError as error:
        return _not_deleted(row, error, str(error))
    except Exception as error:  # storages raise what they like
        problem = f"The storage does not delete it ({_kind(error)})."
        return _not_deleted(row, error, problem)
    now = timezone.now()
    Recording.objects.filter(sid=row.sid or None).exclude(sid=None).update(
        removed_at_twilio_at=now
    )
    row.delete()
    return None


def _not_deleted(row: SoundDeletion, error: Exception, problem: str) -> None:
    log.warning("Recording %s was not deleted: %s", row, _kind(error))
    queue.put_off(row, problem)


def _log(row: Recording) -> CallLog:
    """The log has no words of Twilio: they may quote the call."""
    return CallLog(log, row.call.call_sid)


def _kind(error: Exception) -> str:
    """The error for operators: its name, and the system's words if there are some."""
    words = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
