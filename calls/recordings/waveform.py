"""A file of sound as few numbers: its length, and the peaks that a waveform shows."""

import math
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from django.core.files.base import File

# More than a wide screen has bars.
MAX_PEAKS = 800


class NotSound(Exception):
    """The file cannot be read as sound; says why."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """The peaks of each channel, from 0 to 1, evenly spread over the length."""

    duration_ms: int
    peaks: list[list[float]]


def waveform(file: "BinaryIO | File[Any]") -> Waveform:
    """Read a file of any format that libsndfile knows, piece by piece."""
    # Servers load this module, too, and spare the memory of a decoder.
    import soundfile

    try:
        with soundfile.SoundFile(file) as sound:
            size = max(math.ceil(sound.frames / MAX_PEAKS), 1)
            blocks = sound.blocks(size, dtype="float32", always_2d=True)
            peaks = [np.abs(block).max(axis=0).round(2) for block in blocks]
            ms = round(sound.frames * 1000 / sound.samplerate)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise NotSound(str(error)) from error
    return Waveform(ms, np.array(peaks).T.round(2).tolist() if peaks else [])
