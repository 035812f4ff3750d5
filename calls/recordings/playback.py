"""The recordings of a call as its page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from calls.models import Call, Recording
from calls.review.sound_places import Stretch

NOT_ALLOWED = "This call was recorded. Your role does not let you hear recordings."
IN_PROGRESS = "This call is being recorded. You can hear it when the call is over."
NOT_READY = "The recording is not ready yet. Reload this page in a moment."
DELETED = "The recording was deleted."
NOTHING = "There is no sound of this call."
# Until Twilio has said how long a recording is.
UNKNOWN_LENGTH = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Part:
    """A recording that can be played."""

    url: str
    peaks_id: str
    peaks: list[list[float]]
    seconds: float | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Playback:
    """The parts in order, and in plain words why others cannot be played."""

    parts: list[Part]
    problems: list[str]
    stretches: list[Stretch]  # the times of the parts
    has_channels: bool  # the caller and the bot apart

    def __bool__(self) -> bool:
        return bool(self.parts or self.problems)


def playback(call: Call, rows: Iterable[Recording], *, may_hear: bool) -> Playback:
    """The sound that people hear of a call, or the reason why they hear none."""
    heard = [row for row in rows if row.has_sound] if may_hear else []
    told = [_problem(call, row) for row in rows if not row.has_sound]
    if not may_hear:
        told = [NOT_ALLOWED] if rows else []
    return Playback(
        [_part(row, number) for number, row in enumerate(heard)],
        list(dict.fromkeys(told)),
        [_stretch(row) for row in heard],
        any(row.channels == 2 for row in heard),
    )


def _part(recording: Recording, number: int) -> Part:
    ms = recording.duration_ms
    return Part(
        reverse("admin:calls_call_sound", args=[recording.call_id, recording.pk]),
        f"peaks-{number}",
        recording.peaks,
        None if ms is None else ms / 1000,
        recording.started_at,
    )


def _stretch(recording: Recording) -> Stretch:
    ms, begins = recording.duration_ms, recording.started_at
    length = UNKNOWN_LENGTH if ms is None else timedelta(milliseconds=ms)
    return Stretch(begins, begins + length)


def _problem(call: Call, recording: Recording) -> str:
    if recording.status in Recording.OPEN:
        return NOT_READY if call.status in Call.OVER else IN_PROGRESS
    if recording.problem:
        return recording.problem
    return DELETED if recording.status == Recording.Status.DELETED else NOTHING
