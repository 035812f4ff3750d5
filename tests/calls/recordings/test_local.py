"""Recordings that we make ourselves."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.utils import timezone
from pytest_django import Settings

from bots.audio.stereo import Channel, Piece
from calls.models import Call, Recording
from calls.recordings.local import NOT_STORED, Tape, store
from tests.support.pages.calls import make_call
from voicebot.recording_storage import recording_storage

RATE = 8000


def piece(channel: Channel, begins: float, seconds: float, level: int = 8000) -> Piece:
    return Piece(
        channel, begins, np.full(round(seconds * RATE), level, "<i2").tobytes()
    )


def heard(tape: Tape) -> tuple[list[int], list[int]]:
    """The levels of the caller and of the bot, ten a second."""
    samples, rate = soundfile.read(BytesIO(tape.wav()), dtype="int16")
    assert rate == RATE
    caller, bot = samples[400::800].T.tolist()
    return caller, bot


def test_only_the_kept_part_is_on_the_tape() -> None:
    before = piece(Channel.BOT, 0.0, 0.6, level=1)
    within = piece(Channel.CALLER, 0.7, 0.1, level=2)
    goes_on = piece(Channel.BOT, 0.9, 0.5, level=3)
    after = piece(Channel.BOT, 1.0, 0.5, level=4)
    pieces = [before, within, goes_on, after]
    tape = Tape(timezone.now(), pieces, begins=0.5, ends=1.0)
    assert heard(tape) == ([0, 0, 2, 0, 0], [1, 0, 0, 0, 3])


def test_nothing_of_a_secret_stretch_is_on_the_tape() -> None:
    pieces = [piece(channel, 0.0, 0.6, level=7) for channel in Channel]
    tape = Tape(timezone.now(), pieces, 0.1, 0.6, silent=[(0.2, 0.4)])
    assert heard(tape) == ([7, 0, 0, 7, 7],) * 2


@pytest.mark.django_db
def test_a_tape_is_stored_as_a_recording_with_its_waveform() -> None:
    call, began_at = make_call(), timezone.now()
    tape = Tape(began_at, [piece(Channel.BOT, 1.0, 1.0)], begins=0.5, ends=2.5)
    store(call, tape)
    recording = Recording.objects.get()
    assert (recording.source, recording.status) == ("local", "completed")
    assert recording.started_at == began_at + timedelta(seconds=0.5)
    assert (recording.duration_ms, recording.channels) == (2000, 2)
    caller, bot = recording.peaks
    assert max(caller) == 0
    assert max(bot) == pytest.approx(0.24, abs=0.01)
    with recording.file.open("rb") as file:
        assert len(file.read()) == recording.size


@pytest.mark.django_db
def test_a_storage_that_is_full_is_told_with_the_call(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "folder").write_text("This is a file.")
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": recording_storage(str(tmp_path / "folder"), tmp_path),
    }
    tape = Tape(timezone.now(), [piece(Channel.BOT, 0.0, 1.0)], 0.0, 1.0)
    store(make_call(), tape)
    recording = Recording.objects.get()
    assert (recording.status, recording.problem) == ("failed", NOT_STORED)
    assert not recording.file


@pytest.mark.django_db
def test_nothing_is_stored_of_a_call_that_was_deleted_meanwhile(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": recording_storage(str(tmp_path), tmp_path),
    }
    call = make_call()
    Call.objects.filter(pk=call.pk).delete()
    tape = Tape(timezone.now(), [piece(Channel.BOT, 0.0, 1.0)], 0.0, 1.0)
    assert store(call, tape) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
