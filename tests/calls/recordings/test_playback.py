"""The recordings of a call, as its page shows them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Call, Recording
from calls.recordings import playback as texts
from calls.recordings.playback import playback

Status = Recording.Status


def row(status: str, **fields: object) -> Recording:
    values = {"started_at": timezone.now(), "call_id": 7, "pk": 9, **fields}
    return Recording(status=status, **values)


def problems(status: str, *, is_over: bool = True, **fields: object) -> list[str]:
    call = Call(status=Call.Status.COMPLETED if is_over else Call.Status.IN_PROGRESS)
    shown = playback(call, [row(status, **fields)], may_hear=True)
    assert shown.parts == []
    assert shown
    return shown.problems


def test_a_recording_is_played_from_our_own_address() -> None:
    peaks = [[0.1], [0.2]]
    recording = row(Status.COMPLETED, duration_ms=2500, peaks=peaks)
    shown = playback(Call(), [recording], may_hear=True)
    (part,) = shown.parts
    assert part.url == "/admin/calls/call/7/recordings/9/sound.wav"
    assert (part.seconds, part.peaks) == (2.5, peaks)
    assert shown.problems == []
    (stretch,) = shown.stretches
    assert stretch.ends - stretch.begins == timedelta(seconds=2.5)


@pytest.mark.parametrize(
    ("status", "is_over", "told"),
    [
        ("recording", False, texts.IN_PROGRESS),
        ("paused", False, texts.IN_PROGRESS),
        ("recording", True, texts.NOT_READY),
        ("deleted", True, texts.DELETED),
        ("absent", True, texts.NOTHING),
        ("failed", True, texts.NOTHING),
    ],
)
def test_what_cannot_be_played_is_told(status: str, is_over: bool, told: str) -> None:
    assert problems(status, is_over=is_over) == [told]


def test_a_failure_is_told_in_its_own_words() -> None:
    assert problems("failed", problem="Twilio recorded nothing.") == [
        "Twilio recorded nothing."
    ]


def test_who_may_not_hear_it_is_told_so_and_gets_no_address() -> None:
    recordings = [row(Status.COMPLETED), row(Status.FAILED, problem="Secret words.")]
    shown = playback(Call(), recordings, may_hear=False)
    assert (shown.parts, shown.stretches) == ([], [])
    assert shown.problems == [texts.NOT_ALLOWED]


def test_a_call_without_recordings_says_nothing() -> None:
    assert not playback(Call(), [], may_hear=False)
