"""The simulated caller's webhook fields and those of a recorded call."""

import wave
from pathlib import Path

import pytest

from calls.simulator import (
    BadClip,
    Heard,
    save_recording,
)
from tests.calls.simulator.small_voicebot import RATE, wav

RECORDED_FIELDS = {
    "AccountSid",
    "ApiVersion",
    "CallSid",
    "CallStatus",
    "CallToken",
    "Called",
    "Caller",
    "Direction",
    "From",
    "StirVerstat",
    "To",
}


class TestRecording:
    def test_holds_what_was_heard_where_it_was_heard(self, tmp_path: Path) -> None:
        sounds = [
            Heard("clip", 0.5, wav=wav(0.5, 1), at_ms=100, played_seconds=0.5),
            Heard("tts", 1, text="hm", at_ms=650, played_seconds=1),
            Heard("clip", 1, wav=wav(1, 2), at_ms=1000, played_seconds=0.25, cut=True),
            Heard("clip", 1, wav=wav(0.5, 3), at_ms=1500, played_seconds=1),  # a loop
        ]
        save_recording(sounds, tmp_path / "call.wav")
        with wave.open(str(tmp_path / "call.wav")) as recording:
            assert recording.getparams()[:3] == (1, 2, RATE)
            samples = list(memoryview(recording.readframes(99_999)).cast("h"))
        silence, one, two, three = ([level] * 400 for level in range(4))
        expected = silence * 2 + one * 10 + silence * 8 + two * 5
        assert samples == expected + silence * 5 + three * 20

    def test_needs_one_sample_rate(self, tmp_path: Path) -> None:
        clips = [wav(0.1), wav(0.1, rate=16_000)]
        sounds = [Heard("clip", 0.1, wav=c, played_seconds=0.1) for c in clips]
        with pytest.raises(BadClip, match="8000 and of 16000"):
            save_recording(sounds, tmp_path / "call.wav")
