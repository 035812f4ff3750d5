"""The replies of the fake Inworld: fixed sound, encoded as bytes ready to be sent.

A standard turn is three sentences and seven seconds of speech. Sentences end in a
silence and have a pause inside, like real ones.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from tests.support.inworld.script import (
    DONE,
    ROLE,
    audio,
    content,
    finish,
    transcript,
    usage,
)

RATE = 48_000
PIECE_SECONDS = 0.1
FIRST_TOKEN = 0.3
FIRST_AUDIO = 0.45
BETWEEN_TOKENS = 0.012
BETWEEN_SEGMENTS = 0.2
TO_THE_END = 0.03
TAIL_SECONDS = 0.12
PACE = 5.0  # a sentence arrives this many times faster than real time
SLOWNESS = 6.25  # by default: 0.8 times real time
STALL_SECONDS = 0.45  # in the middle of a word of the slow reply
HELD_SECONDS = 2.0  # the stream stays open behind the only sentence of the held reply
LAST_CHUNK = b"0\r\n\r\n"

SENTENCES = (
    ("We are open every day, from nine in the morning.", 2.2),
    (" The shop is on Mill Lane, right beside the old town hall.", 2.6),
    (" Would you like me to book you a table?", 2.2),
)
TURN_SECONDS = sum(seconds for _, seconds in SENTENCES)
KINDS = {"standard": len(SENTENCES), "held": 1, "slow": 1}


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes to send `at` seconds after the request; `mark` names that moment."""

    at: float
    sent: bytes
    mark: str = ""


@cache
def script(kind: str, pace: float = PACE) -> list[Step]:
    """Return the steps of one reply; its sound arrives at `pace` times real time."""
    sentences = SENTENCES[: KINDS[kind]]
    steps = [Step(FIRST_TOKEN - 0.02, _framed(ROLE))]
    words = [f"{word} " for text, _ in sentences for word in text.split()]
    for number, word in enumerate(words):
        at = FIRST_TOKEN + number * BETWEEN_TOKENS
        steps.append(Step(at, _framed(content(word)), "" if number else "text"))
    at = FIRST_AUDIO
    for number, (text, seconds) in enumerate(sentences):
        steps.append(Step(at, _framed(transcript(text)), f"words {number}"))
        pieces = _pieces(seconds)
        step = PIECE_SECONDS / pace * (SLOWNESS if kind == "slow" else 1)
        for index, piece in enumerate(pieces):
            at += step
            if kind == "slow" and index == len(pieces) // 4:
                at += STALL_SECONDS
            marks = {0: f"first {number}", len(pieces) - 1: f"last {number}"}
            steps.append(Step(at, _framed(audio(piece)), marks.get(index, "")))
        at += BETWEEN_SEGMENTS
    at += (HELD_SECONDS if kind == "held" else TO_THE_END) - BETWEEN_SEGMENTS
    end = [finish(), usage(prompt=400, completion=len(words)), DONE]
    steps += [Step(at, _framed(event)) for event in end]
    steps.append(Step(at, LAST_CHUNK, "end"))
    return sorted(steps, key=lambda step: step.at)


def arrives_in(kind: str, pace: float = PACE) -> float:
    """Return the seconds until all of a reply has arrived."""
    return script(kind, pace)[-1].at


def _framed(event: bytes) -> bytes:
    """Encode an HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(event), event)


def _pieces(seconds: float) -> list[bytes]:
    samples = sound(seconds).tobytes()
    edges = range(0, len(samples) + 1, round(PIECE_SECONDS * RATE) * 2)
    return [samples[start:end] for start, end in pairwise(edges)]


def sound(seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """Generate speech-like sound: syllables, a pause inside, silence at the end."""
    time = np.arange(round(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 8))
    syllables = 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 2.1 * time))
    pause = (time > seconds * 0.45) & (time < seconds * 0.45 + 0.22)
    silent = pause | (time > seconds - TAIL_SECONDS)
    hiss = np.random.default_rng(7).normal(0, 12, len(time))
    level = np.where(silent, 0, syllables * 5_000)
    return np.asarray((voice * level + hiss).clip(-32_768, 32_767), dtype="<i2")
