"""Peaks of sound files."""

from io import BytesIO

import numpy as np
import pytest
import soundfile

from bots.audio.stereo import Channel, Piece, mixed
from calls.recordings.waveform import MAX_PEAKS, NotSound, waveform


def test_each_channel_has_its_peaks_and_the_length_is_known() -> None:
    loud = np.full(8000, 16_384, "<i2").tobytes()
    found = waveform(BytesIO(mixed([Piece(Channel.BOT, 1.0, loud)], 3.0)))
    assert found.duration_ms == 3000
    caller, bot = found.peaks
    assert len(caller) == len(bot) == MAX_PEAKS
    assert set(caller) == {0.0}
    third = MAX_PEAKS // 3
    assert bot[0] == bot[-1] == 0.0
    assert bot[third + 5] == bot[2 * third - 5] == 0.5


def test_an_mp3_of_one_channel_is_read_too() -> None:
    body = BytesIO()
    tone = np.sin(np.arange(8000) / 5) * 0.8
    soundfile.write(body, tone, 8000, format="MP3")
    body.seek(0)
    found = waveform(body)
    assert len(found.peaks) == 1
    assert max(found.peaks[0]) == pytest.approx(0.8, abs=0.15)
    assert found.duration_ms == pytest.approx(1000, abs=150)


def test_a_recording_without_sound_has_no_peaks() -> None:
    assert waveform(BytesIO(mixed([]))).peaks == []


@pytest.mark.parametrize("body", [b"", b"<html>Not found</html>", mixed([])[:20]])
def test_what_is_no_sound_is_refused(body: bytes) -> None:
    with pytest.raises(NotSound):
        waveform(BytesIO(body))
