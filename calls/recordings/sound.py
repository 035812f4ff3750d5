"""The sound of a recording, wherever it is, read piece by piece for browsers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import httpx

from calls.models import Recording
from calls.models.recording import recording_storage
from calls.recordings.own_storage import read_part
from calls.twilio.account import account
from calls.twilio.errors import NotFound, TwilioError
from calls.twilio.recording_files import RecordingFiles

T = TypeVar("T")

PIECE_BYTES = 256 * 1024

MISSING = "The file with this sound is missing in the storage of recordings."
UNREADABLE = "The storage of recordings does not give out this sound now."
NOT_AT_TWILIO = "Twilio does not have the sound of this recording, or not yet."


class Unplayable(Exception):
    """There is no sound to play; the message says why, in plain words."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file of sound. `read` returns bytes from the first to the last, both included.

    `read` raises Unplayable.
    """

    name: str
    size: int
    content_type: str
    etag: str
    read: Callable[[int, int], bytes]

    def pieces(self) -> Iterator[bytes]:
        """The whole file."""
        for first in range(0, self.size, PIECE_BYTES):
            yield self.read(first, min(first + PIECE_BYTES, self.size) - 1)


def open_sound(recording: Recording) -> Sound:
    """The sound of a recording. Raises Unplayable."""
    if not recording.has_sound:
        raise Unplayable(recording.problem or "This recording has no sound.")
    read = _read_file if recording.file else _read_at_twilio
    size = recording.size if recording.size is not None else _size(recording)
    return Sound(
        f"call-{recording.call.call_sid}-{recording.pk}.wav",
        size,
        recording.content_type,
        f'"{recording.pk}-{size}"',
        lambda first, last: read(recording, first, last),
    )


def _size(recording: Recording) -> int:
    """The size in bytes, which is stored for the next time."""
    size = _size_at_twilio(recording)
    Recording.objects.filter(pk=recording.pk, size=None).update(size=size)
    return size


def _read_file(recording: Recording, first: int, last: int) -> bytes:
    try:
        return read_part(recording_storage(), str(recording.file), first, last)
    except FileNotFoundError as error:
        raise Unplayable(MISSING) from error
    except Exception as error:  # storages raise what they like
        raise Unplayable(UNREADABLE) from error


def _read_at_twilio(recording: Recording, first: int, last: int) -> bytes:
    def part(response: httpx.Response) -> bytes:
        # Whoever ignores a range sends everything.
        begins = 0 if response.status_code == httpx.codes.PARTIAL_CONTENT else first
        ends, body = begins + last - first + 1, bytearray()
        for piece in response.iter_bytes(PIECE_BYTES):
            body += piece
            if len(body) >= ends:
                break
        return bytes(body[begins:ends])

    return _asked(recording, first, last, part)


def _size_at_twilio(recording: Recording) -> int:
    def total(response: httpx.Response) -> int:
        _, _, whole = response.headers.get("Content-Range", "").partition("/")
        length = whole or response.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Unplayable(NOT_AT_TWILIO)
        return int(length)

    return _asked(recording, 0, 0, total)


def _asked(
    recording: Recording, first: int, last: int, read: Callable[[httpx.Response], T]
) -> T:
    files, headers = RecordingFiles(account()), {"Range": f"bytes={first}-{last}"}
    sid, account_sid = recording.sid or "", recording.account_sid
    try:
        with files.sound(account_sid, sid, headers) as response:
            return read(response)
    except NotFound as error:
        raise Unplayable(NOT_AT_TWILIO) from error
    except TwilioError as error:
        raise Unplayable(f"Twilio does not send the sound: {error}") from error
