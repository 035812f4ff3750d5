"""Recordings for tests: a murmur on the channel of whoever speaks in a call's turns."""

from datetime import timedelta
from random import Random

import numpy as np

from bots.audio.stereo import Channel, Piece
from calls.models import Call, Recording, Turn
from calls.recordings.local import Tape, store

RATE = 8000
SYLLABLE_SECONDS = 0.2
CHANNELS = {Turn.Role.CALLER: Channel.CALLER, Turn.Role.BOT: Channel.BOT}


def record_turns(
    call: Call, *, begins: float = 0.0, until: float | None = None
) -> Recording:
    """Store a recording of the call; the seconds count from its answer."""
    answered = call.answered_at or call.started_at
    pieces, ends = [], 1.0
    for turn in call.turns.filter(role__in=CHANNELS).exclude(heard_text=""):
        at = (turn.started_at - answered).total_seconds()
        length = (turn.ended_at or turn.started_at) - turn.started_at
        sound = murmur(length, seed=turn.index)
        pieces.append(Piece(CHANNELS[Turn.Role(turn.role)], at, sound))
        ends = at + length.total_seconds() + 1
    recording = store(call, Tape(answered, pieces, begins, until or ends))
    assert recording
    return recording


def murmur(length: timedelta, seed: int = 0) -> bytes:
    """Syllables of different loudness."""
    chance, count = Random(seed), round(length.total_seconds() / SYLLABLE_SECONDS)
    loudness = [chance.uniform(300, 9000) for _ in range(count)]
    envelope = np.repeat(loudness, round(SYLLABLE_SECONDS * RATE))
    return (envelope * np.sin(np.arange(len(envelope)) / 7)).astype("<i2").tobytes()
