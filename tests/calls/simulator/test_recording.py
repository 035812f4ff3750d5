"""The sound of a simulated call: both sides, where they were heard."""

import wave
from pathlib import Path

import numpy as np
import pytest

from bots.audio.dtmf import tone
from calls.simulator import Heard, Line, save_recording
from calls.simulator.record import Record
from calls.simulator.sound.voice import CallersVoice
from tests.calls.simulator.small_voicebot import RATE, wav

STEP = 400  # samples: a twentieth of a second


@pytest.fixture
def record() -> Record:
    return Record(fast=True, on_heard=None)


def saved(record: Record, folder: Path) -> tuple[list[int], list[int]]:
    """The caller's samples and the bot's, twenty a second."""
    save_recording(record, folder / "call.wav")
    with wave.open(str(folder / "call.wav")) as recording:
        assert recording.getparams()[:3] == (2, 2, RATE)
        samples = np.frombuffer(recording.readframes(999_999), "<i2")
    caller, bot = samples.reshape(-1, 2)[STEP // 2 :: STEP].T.tolist()
    return caller, bot


def test_sounds_are_where_they_were_heard(record: Record, tmp_path: Path) -> None:
    record.heard = [
        Heard("clip", 0.5, wav=wav(0.5, 1), at_ms=100, played_seconds=0.5),
        Heard("clip", 1, wav=wav(1, 2), at_ms=1000, played_seconds=0.25, cut=True),
        Heard("clip", 1, wav=wav(0.5, 3), at_ms=1500, played_seconds=1),  # a loop
    ]
    caller, bot = saved(record, tmp_path)
    expected = [0] * 2 + [1] * 10 + [0] * 8 + [2] * 5 + [0] * 5 + [3] * 20
    assert bot == expected
    assert caller == [0] * len(expected)


def test_a_clip_that_grew_too_slowly_has_its_gaps(
    record: Record, tmp_path: Path
) -> None:
    gaps = [(0.1, 0.2)]
    heard = Heard("clip", 0.2, wav=wav(0.2, 4), played_seconds=0.2, gaps=gaps)
    record.heard = [heard]
    assert saved(record, tmp_path)[1] == [4] * 2 + [0] * 4 + [4] * 2


def test_a_clip_of_another_rate_is_resampled(record: Record, tmp_path: Path) -> None:
    loud = wav(0.5, 1000, rate=16_000)
    record.heard = [Heard("clip", 0.5, wav=loud, played_seconds=0.5)]
    bot = saved(record, tmp_path)[1]
    assert len(bot) == 10
    assert bot[5] == pytest.approx(1000, abs=20)


async def test_twilios_own_voice_is_heard_until_it_is_interrupted(
    record: Record, tmp_path: Path
) -> None:
    text = "This sentence goes on for quite a while."
    record.heard = [Heard("tts", 3, text=text, played_seconds=0.5, cut=True)]
    bot = saved(record, tmp_path)[1]
    assert len(bot) == 10
    assert any(bot)


async def test_the_caller_speaks_and_presses_keys(
    record: Record, tmp_path: Path
) -> None:
    voice = CallersVoice(Line("http://localhost", voice="Olivia"), record)
    await voice.begin("Two people tonight, please.", "en-US")
    await voice.finish()
    spoken_ms = record.now_ms
    await voice.press("5")
    _words, key = record.said
    assert spoken_ms > 1000
    assert key.at_ms == pytest.approx(spoken_ms, abs=100)
    assert key.samples == tone("5")
    caller, bot = saved(record, tmp_path)
    assert any(caller)
    assert not any(bot)


async def test_without_a_voice_the_caller_takes_no_time(record: Record) -> None:
    voice = CallersVoice(Line("http://localhost"), record)
    await voice.begin("Two people tonight, please.", "en-US")
    await voice.finish()
    await voice.press("5")
    assert record.said == []
    assert record.now_ms < 500
