"""WAV files: written, read strictly, and found in the data of streams."""

import base64
import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.audio.pcm import Pcm
from bots.audio.wav import BadWav, read, unwrap, wav
from tests.support.inworld.script import wav as standard_wav
from tests.support.sound_files import SOUND_FILES, stereo

SAMPLES_0123 = base64.b64decode("AAABAAIAAwA=")
SOUNDS = st.binary(max_size=200).filter(lambda data: len(data) % 2 == 0)


@st.composite
def mutated_wavs(draw: st.DrawFn) -> bytes:
    """A WAV file, a few bytes of which are others, perhaps cut short."""
    data = bytearray(standard_wav(draw(SOUNDS), 8000))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, min(43, len(data) - 1)))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


MUTATED_WAVS = mutated_wavs()


@given(SOUNDS, st.sampled_from([8000, 48_000]))
def test_a_file_is_the_one_that_the_standard_library_writes(
    data: bytes, rate: int
) -> None:
    assert wav(data, rate) == standard_wav(data, rate)


@given(st.binary(max_size=9))
def test_a_file_and_its_chunks_have_even_sizes(data: bytes) -> None:
    file = wav(data, 8000)
    (announced,), (sound,) = (struct.unpack_from("<I", file, at) for at in (4, 40))
    assert announced == len(file) - 8
    assert announced % 2 == sound % 2 == 0
    assert file[12:20] == b"fmt \x10\0\0\0"  # PCM: no extension, no fact chunk
    assert read(file).data == data[: len(data) & ~1]


@given(SOUNDS)
def test_a_file_reads_back_as_what_it_was_made_of(data: bytes) -> None:
    file = wav(data, 8000)
    assert unwrap(file) == Pcm(8000, data)
    assert read(file) == Pcm(8000, data)


def with_file_length(body: bytes) -> bytes:
    """A file whose first header states its full length."""
    return body[:4] + (len(body) - 8).to_bytes(4, "little") + body[8:]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not RIFF"),
        (wav(SAMPLES_0123, 8000)[:-1], "not RIFF, or of 52 bytes instead of 51"),
        (wav(SAMPLES_0123, 8000) + b"1", "not RIFF, or of 52 bytes instead of 53"),
        (
            with_file_length(wav(SAMPLES_0123, 8000)[:-2]),
            "6 bytes of sound instead of 8",
        ),
        (b"RIFF\x04\0\0\0WAVE", "ends before its sound"),
        (stereo(), "2 channels"),
    ],
)
def test_an_incomplete_or_other_file_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadWav, match=reason):
        read(body)


def test_seconds() -> None:
    assert Pcm(48_000, bytes(96_000)).seconds == 1


RIFF = standard_wav(SAMPLES_0123, 22_050)


def format_chunk(
    tag: int = 1, channels: int = 1, rate: int = 22_050, bits: int = 16, more: str = ""
) -> bytes:
    width = channels * bits // 8
    fields = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)
    fields += bytes.fromhex(more)
    return b"fmt " + struct.pack("<I", len(fields)) + fields


def file_of(format_: bytes, sound: bytes = SAMPLES_0123) -> bytes:
    data = b"WAVE" + format_ + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", len(data)) + data


GUID = "1600 1600 04000000 {} 000000001000800000aa00389b71"


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 4, 6, 8])
def test_a_wrong_declared_size_loses_no_sample(size: int) -> None:
    header = RIFF[:40] + size.to_bytes(4, "little")
    for complete in (False, True):
        unwrapped = unwrap(header + SAMPLES_0123, complete=complete)
        assert unwrapped == Pcm(22_050, SAMPLES_0123)


def test_chunks_before_and_after_the_samples_are_no_samples() -> None:
    listing = b"LIST\x03\x00\x00\x00abc\x00"
    padded = RIFF[:36] + listing + RIFF[36:] + listing + b"id3 \x00\x00\x00\x00"
    assert unwrap(padded) == Pcm(22_050, SAMPLES_0123)


def test_an_extensible_header_of_16_bit_samples_is_read() -> None:
    file = file_of(format_chunk(0xFFFE, more=GUID.format("0100")))
    assert unwrap(file, complete=True) == Pcm(22_050, SAMPLES_0123)


@pytest.mark.parametrize(
    ("format_", "reason"),
    [
        (format_chunk(7, bits=8), "format 7, 8 bits, 1 channels"),
        (format_chunk(3, bits=32), "format 3, 32 bits"),
        (format_chunk(0x55), "format 85"),  # MP3 inside WAV
        (format_chunk(channels=2), "16 bits, 2 channels"),
        (format_chunk(bits=8), "8 bits"),
        (format_chunk(0xFFFE, more=GUID.format("0300")), "format 3"),
        (format_chunk(0xFFFE), "format 65534"),
        (format_chunk(rate=7_999), "7999 samples a second"),
        (format_chunk(rate=96_000), "96000 samples a second"),
        (b"", "ends before its sound"),
        (b"fmt \x04\0\0\0abcd", "incomplete header"),
    ],
)
def test_a_server_file_of_another_sound_is_refused(format_: bytes, reason: str) -> None:
    for complete in (False, True):
        with pytest.raises(BadWav, match=reason):
            unwrap(file_of(format_), complete=complete)


def test_a_complete_file_has_all_of_its_sound() -> None:
    assert unwrap(RIFF[:-2]).data == SAMPLES_0123[:-2]
    with pytest.raises(BadWav, match="6 of 8 bytes"):
        unwrap(RIFF[:-2], complete=True)
    assert unwrap(standard_wav(b"", 8000)) == Pcm(8000, b"")
    with pytest.raises(BadWav, match="without sound"):
        unwrap(standard_wav(b"", 8000), complete=True)


def test_a_header_cut_short_is_refused() -> None:
    for length in range(44):
        with pytest.raises(BadWav):
            unwrap(RIFF[:length])


@pytest.mark.parametrize("name", SOUND_FILES)
def test_another_format_is_named(name: str) -> None:
    with pytest.raises(BadWav, match=f"{name} instead of WAV"):
        unwrap(SOUND_FILES[name], complete=True)


def standard_reading(data: bytes, sound: bytes) -> tuple[int, int, int]:
    """The header as the standard library reads it, its lengths put right."""
    end = data.index(b"data", 12) + 4
    lengths = struct.pack("<I", len(sound))
    file = data[:4] + struct.pack("<I", end + len(sound) - 4) + data[8:end]
    with wave.open(io.BytesIO(file + lengths + sound)) as reader:
        return reader.getnchannels(), reader.getsampwidth(), reader.getframerate()


@given(st.one_of(st.binary(max_size=200), MUTATED_WAVS), st.booleans())
@settings(max_examples=400, deadline=None)
def test_only_a_valid_file_passes_and_nothing_else_is_raised(
    data: bytes, complete: bool
) -> None:
    try:
        pcm = unwrap(data, complete=complete)
    except BadWav:
        return
    assert data.startswith(b"RIFF")
    assert pcm.data in data
    channels, width, rate = standard_reading(data, pcm.data)
    assert (channels, width, rate) == (1, 2, pcm.sample_rate)
