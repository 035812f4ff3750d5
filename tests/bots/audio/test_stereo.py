"""Sound of two people on one time line."""

import wave
from io import BytesIO

import numpy as np
import pytest

from bots.audio.stereo import Channel, Piece, mixed

RATE = 8000


def sound(level: int, seconds: float) -> bytes:
    return np.full(round(seconds * RATE), level, "<i2").tobytes()


def channels(body: bytes) -> tuple[list[int], list[int]]:
    """The samples of the caller and of the bot, ten a second."""
    with wave.open(BytesIO(body)) as file:
        assert file.getparams()[:3] == (2, 2, RATE)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    caller, bot = frames.reshape(-1, 2)[:: RATE // 10].T.tolist()
    return caller, bot


def test_each_piece_is_on_its_channel_at_its_time() -> None:
    body = mixed(
        [
            Piece(Channel.BOT, 0.1, sound(5, 0.2)),
            Piece(Channel.CALLER, 0.2, sound(7, 0.1)),
        ],
        seconds=0.5,
    )
    assert channels(body) == ([0, 0, 7, 0, 0], [0, 5, 5, 0, 0])


def test_the_file_is_as_long_as_its_last_piece() -> None:
    caller, _ = channels(mixed([Piece(Channel.CALLER, 0.2, sound(1, 0.2))], 0.1))
    assert caller == [0, 0, 1, 1]


@pytest.mark.parametrize("level", [30_000, -30_000])
def test_pieces_that_overlap_are_added_and_do_not_wrap_around(level: int) -> None:
    piece = Piece(Channel.BOT, 0, sound(level, 0.1))
    limit = 32_767 if level > 0 else -32_768
    assert channels(mixed([piece, piece])) == ([0], [limit])


def test_secret_stretches_are_silent_on_both_channels() -> None:
    pieces = [Piece(channel, 0, sound(9, 0.5)) for channel in Channel]
    body = mixed(pieces, silent=[(0.1, 0.3), (0.4, 9.0)])
    assert channels(body) == ([9, 0, 0, 9, 0],) * 2


def test_sound_before_the_beginning_is_left_out() -> None:
    early = Piece(Channel.CALLER, -0.1, sound(3, 0.2))
    gone = Piece(Channel.BOT, -1.0, sound(3, 0.2))
    assert channels(mixed([early, gone], 0.2)) == ([3, 0], [0, 0])


def test_nothing_is_an_empty_file() -> None:
    assert channels(mixed([])) == ([], [])


def test_half_a_sample_is_left_out() -> None:
    assert channels(mixed([Piece(Channel.BOT, 0, b"\x05")], 0.1)) == ([0], [0])
