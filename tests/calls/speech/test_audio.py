"""Resampling in pieces: the same sound as resampling at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from calls.speech.audio import StreamResampler, at_telephone_rate

RATES = [8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000]
# What rounding and the edge of the filter may change, of 32,768.
TOLERANCE = 8


def noise(sample_rate: int, samples: int) -> bytes:
    random = np.random.default_rng(samples)
    smooth = np.convolve(random.normal(size=samples + 8), np.ones(8) / 8, "same")
    return (smooth[:samples] * 9000).clip(-32_768, 32_767).astype("<i2").tobytes()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(RATES),
    st.integers(1, 30_000),
    st.lists(st.integers(1, 9001), min_size=1, max_size=20),
)
def test_pieces_of_any_size_give_the_sound_of_the_whole(
    rate: int, samples: int, sizes: list[int]
) -> None:
    data = noise(rate, samples)
    resampler, result, at = StreamResampler(rate), bytearray(), 0
    for size in sizes * (len(data) // sum(sizes) + 1):
        result += resampler.feed(data[at : at + size])
        at += size
    result += resampler.end()
    whole = np.frombuffer(at_telephone_rate(Pcm(rate, data)).data, "<i2").astype(int)
    pieces = np.frombuffer(bytes(result), "<i2").astype(int)
    assert abs(len(pieces) - len(whole)) <= 1
    both = min(len(pieces), len(whole))
    assert np.abs(pieces[:both] - whole[:both]).max(initial=0) <= TOLERANCE


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
def test_little_is_held_back(rate: int) -> None:
    resampler = StreamResampler(rate)
    ready = resampler.feed(noise(rate, rate // 10))
    assert 0.1 - len(ready) / 2 / TELEPHONE_RATE < 0.02


def test_no_sound_is_no_sound() -> None:
    assert StreamResampler(48_000).end() == b""
