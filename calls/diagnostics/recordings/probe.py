"""The doctor's check of recordings: Twilio's answer, and our own storage."""

from collections.abc import Iterator

from django.conf import settings
from django.core.files.base import ContentFile

from bots.models import Bot
from bots.models.choices import Recording as RecordingChoice
from calls.diagnostics.findings import Finding, ok, warning
from calls.diagnostics.recordings.warnings import NAME, failed_recordings, waiting_sound
from calls.models import Call
from calls.models.recording import recording_storage
from calls.twilio.account import account, is_connected
from calls.twilio.errors import TwilioError
from calls.twilio.recording_files import RecordingFiles

PROBE_FILE = "doctor"
PROBE_BYTES = b"written by manage.py doctor"


def probe_recordings() -> Iterator[Finding]:
    """Check what recordings need, if a bot records; and what failed lately."""
    recording = Bot.objects.filter(is_active=True)
    if not recording.exclude(recording=RecordingChoice.NEVER).exists():
        yield ok(NAME, "No bot records its calls.")
        return
    yield from _twilio()
    if settings.FETCH_RECORDINGS:
        yield from _storage()
    yield from failed_recordings(Call.objects.real())
    yield from waiting_sound()


def _twilio() -> Iterator[Finding]:
    if not is_connected():
        yield warning(
            NAME,
            "Without TWILIO_ACCOUNT_SID it cannot be checked that Twilio records.",
            "Set it in .env, beside the token.",
        )
        return
    try:
        RecordingFiles(account()).check(settings.TWILIO_ACCOUNT_SID)
    except TwilioError as error:
        yield warning(NAME, f"Twilio does not answer about recordings. {error}")
    else:
        yield ok(NAME, "Twilio answers about recordings.")


def _storage() -> Iterator[Finding]:
    """Write, read and delete a small file."""
    storage = recording_storage()
    place = settings.STORAGES["recordings"]["OPTIONS"]
    where = place.get("bucket_name") or place.get("location")
    try:
        name = storage.save(PROBE_FILE, ContentFile(PROBE_BYTES))
        with storage.open(name) as file:
            is_same = file.read() == PROBE_BYTES
        storage.delete(name)
    except Exception as error:  # storages raise what they like
        words = getattr(error, "strerror", None) or type(error).__name__
        yield warning(
            NAME,
            f"The storage {where} takes no file: {words}.",
            "Recordings stay at Twilio until it does. Check RECORDING_STORAGE.",
        )
        return
    if is_same:
        yield ok(NAME, f"The storage {where} takes recordings.")
    else:
        yield warning(NAME, f"The storage {where} returns something else.")
