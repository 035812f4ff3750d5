"""The recording of a test call, made of what its page reports."""

import asyncio
from io import BytesIO

import numpy as np
import pytest
import soundfile
from django.utils import timezone

from bots.audio.stereo import Channel
from bots.audio.wav import wav
from calls.clips.clip_store import ClipsUnavailable
from calls.console.test_call.tape import BrowserTape
from calls.recordings.local import Tape
from calls.turns.recording import RecordingState

ON, PAUSED, OFF = RecordingState.ON, RecordingState.PAUSED, RecordingState.OFF
CLIP = wav(np.full(8000, 5000, "<i2").tobytes(), 8000)


async def fetch(clip_id: str) -> bytes | None:
    return {"clip": CLIP}.get(clip_id)


async def unavailable(clip_id: str) -> bytes | None:
    raise ClipsUnavailable("gone")


@pytest.fixture
def tape() -> BrowserTape:
    return BrowserTape(fetch)


def kept(tape: BrowserTape) -> Tape:
    finished = tape.finished(timezone.now())
    assert finished is not None
    return finished


def loudest(tape: Tape) -> list[int]:
    """The loudest sample of the caller and of the bot."""
    samples, _ = soundfile.read(BytesIO(tape.wav()), dtype="int16")
    levels: list[int] = np.abs(samples.astype(int)).max(axis=0).tolist()
    return levels


async def test_a_clip_is_heard_until_it_is_interrupted(tape: BrowserTape) -> None:
    tape.set_state(ON)
    await tape.load(tape.plays(), "clip")
    tape.stops(0.25)
    (piece,) = kept(tape).pieces
    assert piece.channel is Channel.BOT
    assert piece.seconds == pytest.approx(0.25)


async def test_a_clip_that_is_gone_is_silent(tape: BrowserTape) -> None:
    tape.set_state(ON)
    await tape.load(tape.plays(), "unknown")
    tape.stops(1.0)
    broken = BrowserTape(unavailable)
    broken.set_state(ON)
    await broken.load(broken.plays(), "clip")
    for each in (tape, broken):
        assert [piece.samples for piece in kept(each).pieces] == [b""]


def test_words_end_when_they_are_reported_but_not_before_the_bot_is_quiet(
    tape: BrowserTape,
) -> None:
    tape.started -= 60
    tape.set_state(ON)
    tape.says("I would like to book a table for four, please.", "en-US")
    tape.plays().samples = CLIP
    tape.says("Stop, please.", "en-US")
    first, second = (p for p in kept(tape).pieces if p.channel is Channel.CALLER)
    assert first.ends == pytest.approx(60, abs=1)
    assert second.begins == pytest.approx(60, abs=1)


def test_nothing_is_kept_of_a_call_that_is_not_recorded(tape: BrowserTape) -> None:
    tape.says("Hello?", "en-US")
    assert tape.finished(timezone.now()) is None
    tape.set_state(PAUSED)
    assert tape.finished(timezone.now()) is None


async def test_keys_are_heard_unless_they_are_secret(tape: BrowserTape) -> None:
    tape.set_state(ON)
    tape.presses("5")
    await asyncio.sleep(0.15)
    assert loudest(kept(tape))[0] > 5000
    tape.set_state(PAUSED)
    tape.keys.clear()
    tape.presses("5")
    await asyncio.sleep(0.15)
    tape.set_state(ON)
    assert loudest(kept(tape))[0] == 0


async def test_a_secret_key_before_the_pause_is_silent_too(tape: BrowserTape) -> None:
    tape.set_state(ON)
    tape.presses("5")
    tape.hide_key()
    await asyncio.sleep(0.15)
    assert loudest(kept(tape))[0] == 0


async def test_a_recording_ends_when_it_is_stopped(tape: BrowserTape) -> None:
    tape.set_state(ON)
    tape.set_state(OFF)
    await asyncio.sleep(0.1)
    finished = kept(tape)
    assert finished.ends - finished.begins < 0.1


def test_a_text_in_the_browsers_voice_is_read(tape: BrowserTape) -> None:
    tape.set_state(ON)
    tape.plays("One moment, please.", "en-US")
    tape.stops(0.5)
    (piece,) = kept(tape).pieces
    assert piece.seconds == pytest.approx(0.5)
