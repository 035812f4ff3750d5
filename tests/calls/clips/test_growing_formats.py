"""The formats of growing clips, decoded by a decoder that is not ours."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st

from bots.audio.pcm import TELEPHONE_RATE
from bots.audio.wav import unwrap
from calls.clips.clip_format import ClipFormat
from calls.clips.growing_formats import (
    DELAY_SECONDS,
    FRAME_BYTES,
    MP3_RATE,
    Written,
    format_writer,
)

FRAME_SECONDS = 0.036
# LAME holds so much back at most (s).
HELD_SECONDS = 0.2


def speech_like(seconds: float) -> bytes:
    """Tones that come and go, no two moments alike."""
    time = np.arange(round(seconds * TELEPHONE_RATE)) / TELEPHONE_RATE
    loudness = 6000 * (1 + np.sin(5 * time)) * (np.sin(9 * time * time) > 0)
    tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (210, 900, 2300))
    return (loudness * tones / 3).astype("<i2").tobytes()


def decoded(file: bytes) -> Any:
    """The samples of an MP3."""
    samples, rate = soundfile.read(BytesIO(file), dtype="int16")
    assert rate == MP3_RATE
    assert samples.ndim == 1
    return samples.astype(float)


def seconds(sound: bytearray) -> float:
    return len(sound) / 2 / TELEPHONE_RATE


@pytest.mark.parametrize("piece", [0.01, 0.05, 0.7, 5.0])
def test_an_mp3_sounds_as_its_sound_says_from_piece_to_piece(piece: float) -> None:
    sound, writer, step = speech_like(5), format_writer(ClipFormat.MP3), 2 * 8
    step *= round(piece * 1000)
    file, told = bytearray(), bytearray()
    for start in range(0, len(sound), step):
        written = writer.feed(sound[start : start + step])
        file += written.file
        told += written.sound
        fed = DELAY_SECONDS + min(start + step, len(sound)) / 2 / TELEPHONE_RATE
        assert 0 <= fed - seconds(told) <= HELD_SECONDS
        if len(file) > 5 * FRAME_BYTES and piece > 0.5:
            # A player that has this much can play exactly this much.
            assert len(decoded(bytes(file))) / MP3_RATE == seconds(told)
    rest = writer.end()
    file += rest.file
    told += rest.sound
    heard = decoded(bytes(file))
    assert len(heard) / MP3_RATE == pytest.approx(seconds(told))
    assert 0 <= seconds(told) - DELAY_SECONDS - 5 < 2 * FRAME_SECONDS
    source = np.frombuffer(sound, "<i2").astype(float)
    expected = soxr.resample(source, TELEPHONE_RATE, MP3_RATE)
    delay = round(DELAY_SECONDS * MP3_RATE)
    assert abs(heard[: delay // 2]).max() < 100  # hardly anything
    played = heard[delay : delay + len(expected)]
    assert np.corrcoef(played, expected)[0, 1] > 0.999


@given(st.lists(st.integers(0, 3000), max_size=12))
def test_no_sound_is_lost_and_every_frame_is_whole(lengths: list[int]) -> None:
    sound, writer = speech_like(5), format_writer(ClipFormat.MP3)
    told, fed = bytearray(), 0
    for samples in lengths:
        written = writer.feed(sound[2 * fed : 2 * (fed + samples)])
        fed += samples
        assert len(written.file) % FRAME_BYTES == 0
        told += written.sound
    rest = writer.end()
    assert len(rest.file) % FRAME_BYTES == 0
    told += rest.sound
    delay = 2 * round(DELAY_SECONDS * TELEPHONE_RATE)
    assert bytes(told[delay : delay + 2 * fed]) == sound[: 2 * fed]
    assert not any(told[:delay])
    assert not any(told[delay + 2 * fed :])
    assert bool(told) == (fed > 0)
    assert not writer.held or not fed


def test_what_was_not_written_is_held() -> None:
    sound, writer = speech_like(1), format_writer(ClipFormat.MP3)
    written = writer.feed(sound)
    delay = bytes(2 * round(DELAY_SECONDS * TELEPHONE_RATE))
    assert written.sound + writer.held == delay + sound


def test_a_wav_holds_nothing_back() -> None:
    writer = format_writer(ClipFormat.WAV)
    assert writer.feed(b"") == Written()
    first, second = writer.feed(b"abcd"), writer.feed(b"efgh")
    assert unwrap(first.file + second.file).data == b"abcdefgh"
    assert first.sound + second.sound == b"abcdefgh"
    assert (writer.end(), writer.delay, writer.held) == (Written(), 0.0, bytearray())
