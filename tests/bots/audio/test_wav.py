"""WAV files: written, read strictly, and found in the data of streams."""

import base64
import io
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.audio.pcm import Pcm
from bots.audio.wav import BadWav, read, strip_header, wav
from tests.support.inworld.script import wav as standard_wav

SAMPLES_0123 = base64.b64decode("AAABAAIAAwA=")
SOUNDS = st.binary(max_size=200).filter(lambda data: len(data) % 2 == 0)


@given(SOUNDS, st.sampled_from([8000, 48_000]))
def test_a_file_is_the_one_that_the_standard_library_writes(
    data: bytes, rate: int
) -> None:
    assert wav(data, rate) == standard_wav(data, rate)


@given(SOUNDS)
def test_a_file_reads_back_as_what_it_was_made_of(data: bytes) -> None:
    file = wav(data, 8000)
    assert strip_header(file) == (data, 8000)
    assert read(file) == Pcm(8000, data)


def with_file_length(body: bytes) -> bytes:
    """A file whose first header states its full length."""
    return body[:4] + (len(body) - 8).to_bytes(4, "little") + body[8:]


def stereo() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 8000, 0, "NONE", ""))
        writer.writeframes(SAMPLES_0123)
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not RIFF"),
        (wav(SAMPLES_0123, 8000)[:-1], "not RIFF, or of 52 bytes instead of 51"),
        (wav(SAMPLES_0123, 8000) + b"1", "not RIFF, or of 52 bytes instead of 53"),
        (
            with_file_length(wav(SAMPLES_0123, 8000)[:-2]),
            "6 bytes of sound for 4 samples",
        ),
        (b"RIFF\x04\0\0\0WAVE", "not a WAV file"),
        (stereo(), "not 16-bit mono"),
    ],
)
def test_an_incomplete_or_other_file_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadWav, match=reason):
        read(body)


def test_seconds() -> None:
    assert Pcm(48_000, bytes(96_000)).seconds == 1


RIFF = standard_wav(SAMPLES_0123, 22_050)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 4, 6, 8])
def test_a_wrong_declared_size_loses_no_sample(size: int) -> None:
    header = RIFF[:40] + size.to_bytes(4, "little")
    assert strip_header(header + SAMPLES_0123) == (SAMPLES_0123, 22_050)


def test_chunks_before_and_after_the_samples_are_no_samples() -> None:
    listing = b"LIST\x03\x00\x00\x00abc\x00"
    padded = RIFF[:36] + listing + RIFF[36:] + listing + b"id3 \x00\x00\x00\x00"
    assert strip_header(padded) == (SAMPLES_0123, 22_050)


def test_samples_without_a_header_are_left_alone() -> None:
    for samples in (b"", b"RIFF", b"RIFF1234567890", SAMPLES_0123):
        assert strip_header(samples) == (samples, None)


def test_a_header_cut_short_holds_no_samples() -> None:
    for length in range(12, 44):
        assert strip_header(RIFF[:length])[0] == b""


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_no_header_raises(noise: bytes) -> None:
    strip_header(b"RIFF\x00\x00\x00\x00WAVE" + noise)
