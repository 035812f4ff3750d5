"""Fetches the sound of a recording from Twilio into our own storage, in pieces."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from tempfile import TemporaryFile
from time import monotonic

import httpx
from django.core.files.base import File

from calls.models import Recording
from calls.models.recording import recording_storage
from calls.recordings.own_storage import stored_file, temporary_folder
from calls.recordings.waveform import NotSound, waveform
from calls.twilio.recording_files import RecordingFiles

# Less than a claim lasts (calls/recordings/queue.py).
MAX_SECONDS = 1500.0
PIECE_BYTES = 256 * 1024
WAV = b"RIFF"
# A frame of telephone sound: two channels of 16 bits, 8000 times a second.
WAV_HEADER_BYTES, BYTES_PER_MS = 44, 32


class NoSound(Exception):
    """The answer is not the sound of a call."""


class Stopped(Exception):
    """This process ends; another one fetches the recording."""


class Download(File):  # type: ignore[type-arg]
    """A response as a file that storages read once, from its beginning to its end."""

    def __init__(
        self, response: httpx.Response, is_stopping: Callable[[], bool]
    ) -> None:
        super().__init__(None)
        self.pieces = response.iter_bytes(PIECE_BYTES)
        self.is_stopping = is_stopping
        self.until = monotonic() + MAX_SECONDS
        self.rest = next(self.pieces, b"")
        self.received = len(self.rest)
        if not self.rest.startswith(WAV):
            raise NoSound("Twilio sent something that is no sound.")

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; without a size the next piece."""
        if size is None or size < 0:
            return self._next(PIECE_BYTES)
        parts, missing = [], size
        while missing and (part := self._next(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _next(self, most: int) -> bytes:
        if not self.rest:
            if self.is_stopping():
                raise Stopped
            if monotonic() > self.until:
                raise NoSound("Twilio sends the sound too slowly.")
            self.rest = next(self.pieces, b"")
            self.received += len(self.rest)
        part, self.rest = self.rest[:most], self.rest[most:]
        return part

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes in pieces."""
        while piece := self.read():
            yield piece

    def seek(self, position: int, whence: int = 0) -> int:
        """Storages go to the beginning before they read; it is there already."""
        return 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """The response is closed by its own block."""


def file_name(started_at: datetime, sid: str) -> str:
    """The name of a recording's file, known before it is there."""
    return f"{started_at:%Y/%m/%d}/{sid}.wav"


def fetch(
    row: Recording, files: RecordingFiles, is_stopping: Callable[[], bool]
) -> dict[str, object]:
    """Store the sound; returns the fields of the row that say so.

    Raises `TwilioError`s, `NoSound`, `Stopped`, and the errors of the storage. Then
    nothing of the file is left.
    """
    storage, name = recording_storage(), file_name(row.started_at, row.sid or "")
    try:
        with files.sound(row.account_sid, row.sid or "") as response:
            download = Download(response, is_stopping)
            saved = storage.save(name, download)
    except BaseException:
        with suppress(Exception):  # the first error counts
            storage.delete(name)
        raise
    length_ms = max(download.received - WAV_HEADER_BYTES, 0) // BYTES_PER_MS
    return {
        "file": saved,
        "size": download.received,
        "content_type": "audio/wav",
        "duration_ms": length_ms,
        **_peaks_of(saved),
    }


def draw(
    row: Recording, files: RecordingFiles, is_stopping: Callable[[], bool]
) -> dict[str, object]:
    """Draw the waveform of sound that stays at Twilio; none of the sound is kept.

    Raises like `fetch`.
    """
    with TemporaryFile(dir=temporary_folder(recording_storage())) as copy:
        with files.sound(row.account_sid, row.sid or "") as response:
            download = Download(response, is_stopping)
            for piece in download.chunks():
                copy.write(piece)
        copy.seek(0)
        try:
            drawn = waveform(copy)
        except NotSound as error:
            raise NoSound(str(error)) from error
    return {
        "peaks": drawn.peaks,
        "duration_ms": drawn.duration_ms,
        "size": download.received,
    }


def _peaks_of(name: str) -> dict[str, object]:
    """The waveform of a stored file. Without one, people can listen all the same."""
    # Storages raise what they like.
    with suppress(Exception), stored_file(recording_storage(), name) as file:
        return {"peaks": waveform(file).peaks}
    return {}
