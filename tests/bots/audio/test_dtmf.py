"""The tones of keys."""

import numpy as np
import pytest

from bots.audio.dtmf import TONE_SECONDS, tone


@pytest.mark.parametrize(
    ("key", "low", "high"), [("1", 697, 1209), ("5", 770, 1336), ("#", 941, 1477)]
)
def test_a_key_has_its_two_frequencies(key: str, low: int, high: int) -> None:
    samples = np.frombuffer(tone(key), "<i2")
    assert len(samples) == TONE_SECONDS * 8000
    spectrum = np.abs(np.fft.rfft(samples, 8000))
    loudest = sorted(spectrum.argsort()[-40:])
    assert abs(loudest[0] - low) < 20
    assert abs(loudest[-1] - high) < 20


def test_there_are_twelve_keys() -> None:
    assert len({tone(key) for key in "0123456789*#"}) == 12
    with pytest.raises(KeyError):
        tone("a")
