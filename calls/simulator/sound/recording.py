"""The recording of a simulated call: the caller and what they heard, side by side."""

from collections.abc import Iterator
from pathlib import Path

import soxr

from bots.audio.pcm import TELEPHONE_RATE, Pcm
from bots.audio.stereo import Channel, Piece, mixed

from ..record import Heard, Record
from .clip_check import decoded
from .voice import TWILIO_VOICE, spoken

SAMPLE_WIDTH = 2


def save_recording(record: Record, path: Path) -> None:
    """Write the call as a WAV: the caller to the left, the bot to the right."""
    path.write_bytes(mixed(pieces(record)))


def pieces(record: Record) -> Iterator[Piece]:
    """The sound of a call, in seconds since dialling."""
    for said in record.said:
        yield Piece(Channel.CALLER, said.at_ms / 1000, said.samples)
    for heard in record.heard:
        yield Piece(Channel.BOT, heard.at_ms / 1000, _heard_part(heard))


def _heard_part(heard: Heard) -> bytes:
    if heard.kind == "tts":
        sound = spoken(heard.text or "", TWILIO_VOICE)
        return sound[: _bytes(heard.played_seconds)]
    if not heard.wav:
        return b""
    samples = _at_telephone_rate(decoded(heard.wav))
    played = _bytes(heard.played_seconds)
    # Repeat a looped clip up to the length that was played.
    rounds = samples * (played // max(len(samples), 1) + 1)
    return _with_gaps(rounds[:played], heard)


def _at_telephone_rate(sound: Pcm) -> bytes:
    if sound.sample_rate == TELEPHONE_RATE:
        return sound.data
    import numpy as np

    samples = np.frombuffer(sound.data, "<i2")
    resampled = soxr.resample(samples, sound.sample_rate, TELEPHONE_RATE)
    return bytes(resampled.astype("<i2", copy=False).tobytes())


def _with_gaps(samples: bytes, sound: Heard) -> bytes:
    """The samples with the silences in which more of them had to arrive."""
    line, done = bytearray(), 0
    for position, seconds in sound.gaps:
        place = _bytes(position)
        line += samples[done:place] + bytes(_bytes(seconds))
        done = place
    return bytes(line + samples[done:])


def _bytes(seconds: float) -> int:
    return round(seconds * TELEPHONE_RATE) * SAMPLE_WIDTH
