"""A sound is measured once, however it comes; the result is that of the whole."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.audio.pcm import Pcm
from bots.inworld.events import Audio, Event, Transcript
from bots.sandbox.voice.catalogue import VOICES
from bots.sandbox.voice.speech import speak
from calls.logs import CallLog
from calls.speech.levels import Levels, analyse
from calls.speech.reply_stream import ReplyStream
from calls.speech.segment_end import STALLED, STUCK, TAIL_SECONDS, SpeakingRate
from calls.turns.word_timing import FRAME_SECONDS, sounding_seconds

SENTENCE = "We are open from nine to five, every day but Sunday."


def noise(seed: int, samples: int) -> bytes:
    """Speech-like: loud and silent by turns; also the lowest 16-bit sample."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.choice([0.0, 0.01, 1.0], samples // 400 + 1), 400)
    sound = random.normal(size=samples) * 9000 * loud[:samples]
    return bytes(sound.clip(-32_768, 32_767).astype("<i2"))


def in_pieces(data: bytes, sizes: list[int], sample_rate: int) -> Levels:
    levels, at = Levels(sample_rate), 0
    for size in sizes * (len(data) // sum(sizes) + 1):
        levels.feed(data[at : at + size])
        at += size
    return levels


def assert_same(some: Levels, other: Levels) -> None:
    assert some.peaks.tolist() == other.peaks.tolist()
    assert some.seconds == other.seconds
    assert some.loudest == other.loudest
    assert some.trailing_silence(TAIL_SECONDS) == other.trailing_silence(TAIL_SECONDS)
    assert some.sounding_seconds == other.sounding_seconds
    assert some.pauses == other.pauses
    assert some.speech_frames == other.speech_frames


@settings(deadline=None)
@given(
    st.sampled_from([8_000, 11_025, 22_050, 48_000]),
    st.integers(0, 2**32),
    st.integers(0, 20_000),
    st.integers(0, 1),
    st.lists(st.integers(1, 9_001), min_size=1, max_size=12),
)
def test_pieces_of_any_size_measure_the_whole(
    rate: int, seed: int, samples: int, half: int, sizes: list[int]
) -> None:
    data = noise(seed, samples) + bytes(half)
    assert_same(in_pieces(data, sizes, rate), analyse(Pcm(rate, data)))


@pytest.mark.parametrize("sizes", [[320], [999, 1], [4_800, 77], [100_000]])
def test_pieces_of_speech_measure_the_whole(sizes: list[int]) -> None:
    for voice in VOICES[:4]:
        speech = speak(SENTENCE, str(voice["voiceId"]), sample_rate=8_000).pcm
        assert_same(in_pieces(speech, sizes, 8_000), analyse(Pcm(8_000, speech)))


@given(st.integers(0, 2**32), st.integers(0, 20_000))
def test_the_length_without_pauses_is_that_of_the_speech_frames(
    seed: int, samples: int
) -> None:
    levels = analyse(Pcm(8_000, noise(seed, samples)))
    sounding = sounding_seconds(levels.speech_frames)
    assert levels.sounding_seconds == pytest.approx(sounding)


@given(st.integers(0, 2**32), st.integers(0, 5_000))
def test_a_level_is_the_loudest_sample_of_its_frame(seed: int, samples: int) -> None:
    data = noise(seed, samples)
    numbers = [abs(int(sample)) for sample in np.frombuffer(data, "<i2")]
    length = round(FRAME_SECONDS * 8_000)
    frames = [
        max(numbers[at : at + length])
        for at in range(0, samples // length * length, length)
    ]
    assert analyse(Pcm(8_000, data)).peaks.tolist() == frames


PIECE = st.tuples(st.integers(0, 2**16), st.integers(1, 9_600))
STEP = st.one_of(
    PIECE.map(lambda piece: Audio(noise(*piece))),
    PIECE.map(lambda piece: Audio(noise(*piece) + b"\0")),
    st.just(Transcript(f" {SENTENCE}")),
    st.sampled_from([0.02, 0.1, STALLED, STUCK]),
)


@settings(deadline=None)
@given(st.lists(STEP, max_size=30))
def test_the_rest_at_the_end_is_that_of_the_sound_that_waits(
    steps: list[Event | float],
) -> None:
    reply = ReplyStream(1, CallLog(logging.getLogger(), "CA1"), SpeakingRate())
    for step in steps:
        if isinstance(step, float):
            reply.segmenter._sounded_at -= step
            reply.poll()
            reply.due_in()
        else:
            reply.feed(step)
        state = reply.segmenter.state
        if len(state.audio) > 1:
            frame = 2 * round(FRAME_SECONDS * state.sample_rate)
            sound = state.sound.data
            last = Pcm(state.sample_rate, sound[len(sound) % frame :])
            rest = analyse(last).trailing_silence(TAIL_SECONDS)
            assert reply.policy._measure(state).rest == rest


def test_the_rest_is_measured_anew_when_less_sound_waits() -> None:
    tone = np.sin(np.arange(14_400) / 35)
    loud, soft, end = (tone * height for height in (9_000, 450, 25))
    pause, soft, end = loud[:7_200] * 0, soft[:7_200], end[:1_440]
    sound = np.concatenate([loud, loud, loud, pause, soft, end])
    reply = ReplyStream(1, CallLog(logging.getLogger(), "CA1"), SpeakingRate())
    reply.feed(Transcript(SENTENCE))
    reply.feed(Audio(sound.astype("<i2").tobytes()))
    before = reply.policy._measure(reply.segmenter.state).rest
    reply.segmenter._sounded_at -= STALLED
    assert len(reply.poll()) == 1
    after = reply.policy._measure(reply.segmenter.state).rest
    # Beside the soft sound that is left, the end is not silent.
    assert (before > 0, after) == (True, 0.0)
