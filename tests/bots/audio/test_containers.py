"""Files and texts in the place of samples."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bots.audio.containers import container_of
from tests.support.inworld.script import tone
from tests.support.sound_files import ID3, MP3_FRAME, SOUND_FILES


@pytest.mark.parametrize("name", SOUND_FILES)
def test_a_format_is_known_by_its_beginning(name: str) -> None:
    assert container_of(SOUND_FILES[name]) == name


@pytest.mark.parametrize(
    "data",
    [
        ID3 + MP3_FRAME,
        MP3_FRAME,
        MP3_FRAME + MP3_FRAME[:4],
        # MPEG 2, 64 kbit/s at 24 kHz; the next frame has other bits and padding.
        bytes.fromhex("fff384c4") + bytes(188) + bytes.fromhex("fff396c4"),
    ],
)
def test_mp3_is_known_with_and_without_a_tag(data: bytes) -> None:
    assert container_of(data) == "MP3"


@pytest.mark.parametrize("text", ["<!doctype html><p>Busy</p>", '[{"error": "busy"}]'])
def test_pages_and_lists_are_text(text: str) -> None:
    assert container_of(text.encode()) == "text"


@given(st.lists(st.integers(-8_000, 8_000), max_size=400))
@example([])
@example([-1_025, 20_000])  # FF FB, the first two bytes of an MP3 frame
def test_quiet_samples_are_samples(samples: list[int]) -> None:
    assert container_of(struct.pack(f"<{len(samples)}h", *samples)) == ""


@pytest.mark.parametrize(
    "samples",
    [
        tone(0.1),
        MP3_FRAME[:4],
        MP3_FRAME[:4] + tone(0.1),
        b"\xff\xfb" * 500,
        b"\xff\xff" * 500,
        b"ID3",
        b"ID3\x7f" + bytes(10),
        b'{"',
        b"{" + bytes(40),
    ],
)
def test_samples_that_begin_alike_are_samples(samples: bytes) -> None:
    assert container_of(samples) == ""


@given(st.binary(max_size=300))
def test_no_data_raises(data: bytes) -> None:
    container_of(data)
