"""Two people on one time line: sound of both as a WAV file of two channels. Pure."""

import wave
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO

import numpy as np
import numpy.typing as npt

from bots.audio.pcm import TELEPHONE_RATE

Line = npt.NDArray[np.int16]


class Channel(IntEnum):
    """The channels in the order of Twilio's recordings."""

    CALLER = 0
    BOT = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of one channel: 16-bit mono samples at telephone rate.

    It begins so many seconds after the recording did.
    """

    channel: Channel
    begins: float
    samples: bytes

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / TELEPHONE_RATE

    @property
    def ends(self) -> float:
        return self.begins + self.seconds


def mixed(
    pieces: Iterable[Piece],
    seconds: float = 0.0,
    silent: Iterable[tuple[float, float]] = (),
) -> bytes:
    """A WAV file of at least this length, without sound in the `silent` stretches.

    Sound before the beginning is left out, and pieces that overlap are added.
    """
    pieces = list(pieces)
    length = max([seconds, *(piece.ends for piece in pieces)])
    line: Line = np.zeros((_frame(length), len(Channel)), np.int16)
    for piece in pieces:
        _add(line, piece)
    for begins, ends in silent:
        line[_frame(begins) : _frame(ends)] = 0
    return _wav(line)


def _add(line: Line, piece: Piece) -> None:
    samples = np.frombuffer(piece.samples[: len(piece.samples) & ~1], "<i2")
    start = round(piece.begins * TELEPHONE_RATE)
    samples, start = samples[max(-start, 0) :], max(start, 0)
    part = line[start : start + len(samples), piece.channel]
    total = part.astype(np.int32) + samples[: len(part)]
    part[:] = np.clip(total, -32_768, 32_767)


def _frame(seconds: float) -> int:
    return max(round(seconds * TELEPHONE_RATE), 0)


def _wav(line: Line) -> bytes:
    body = BytesIO()
    with wave.open(body, "wb") as file:
        file.setparams((len(Channel), 2, TELEPHONE_RATE, 0, "NONE", ""))
        file.writeframes(line.astype("<i2", copy=False).tobytes())
    return body.getvalue()
