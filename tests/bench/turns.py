"""The replies of the fake Inworld: fixed sound, encoded as bytes ready to be sent.

A standard turn is three sentences and seven seconds of speech. Sentences end in a
silence and have a pause inside, like real ones. A turn of the first word has the timing
with which the Node seed was measured.
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
BETWEEN_TOKENS = 0.012
BETWEEN_SEGMENTS = 0.2
PACE = 5.0  # a sentence arrives this many times faster than real time
# In the middle of a word of the slow reply.
STALL_SECONDS = 0.45
LAST_CHUNK = b"0\r\n\r\n"

TEXTS = (
    "We are open every day, from nine in the morning.",
    " The shop is on Mill Lane, right beside the old town hall.",
    " Would you like me to book you a table?",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of reply; all times in seconds."""

    lengths: tuple[float, ...] = (2.2, 2.6, 2.2)  # of the sentences
    first_token: float = 0.3
    first_audio: float = 0.45
    pace: float = 0.0  # times real time; 0: the pace of the bench
    slowness: float = 1.0  # a divisor of the pace
    tail: float = 0.12  # silence at the end of each sentence
    stays_open: float = 0.03  # after the last sound

    @property
    def sentences(self) -> list[tuple[str, float]]:
        return list(zip(TEXTS, self.lengths, strict=False))

    @property
    def seconds(self) -> float:
        return sum(self.lengths)


STANDARD = Kind()
# The stand-in upstream beside which the Node seed was measured.
FIRST_WORD = Kind(
    lengths=(2.0, 2.0, 2.0), first_token=0.35, first_audio=0.5, pace=6.0, tail=0.08
)
KINDS = {
    "standard": STANDARD,
    "word": FIRST_WORD,
    "held": Kind(lengths=(2.2,), stays_open=2.0),
    "slow": Kind(lengths=(2.2,), slowness=6.25),  # by default: 0.8 times real time
}
# The caller asks, and Inworld never answers.
HUNG = "hung"
TURN_SECONDS = STANDARD.seconds


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes to send `at` seconds after the request; `mark` names that moment."""

    at: float
    sent: bytes
    mark: str = ""


@cache
def script(kind: str, pace: float = PACE) -> list[Step]:
    """Return the steps of one reply; its sound arrives at `pace` times real time."""
    reply = KINDS[kind]
    steps = [Step(reply.first_token - 0.02, _framed(ROLE))]
    words = [f"{word} " for text, _ in reply.sentences for word in text.split()]
    for number, word in enumerate(words):
        at = reply.first_token + number * BETWEEN_TOKENS
        steps.append(Step(at, _framed(content(word)), "" if number else "text"))
    at = reply.first_audio
    step = PIECE_SECONDS / (reply.pace or pace) * reply.slowness
    for number, (text, seconds) in enumerate(reply.sentences):
        steps.append(Step(at, _framed(transcript(text)), f"words {number}"))
        pieces = _pieces(seconds, reply.tail)
        for index, piece in enumerate(pieces):
            if kind == "slow" and index == len(pieces) // 4:
                at += STALL_SECONDS
            marks = {0: f"first {number}", len(pieces) - 1: f"last {number}"}
            steps.append(Step(at, _framed(audio(piece)), marks.get(index, "")))
            at += step
        at += BETWEEN_SEGMENTS
    at += reply.stays_open - BETWEEN_SEGMENTS - step
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


def _pieces(seconds: float, tail: float) -> list[bytes]:
    samples = sound(seconds, tail).tobytes()
    edges = range(0, len(samples) + 1, round(PIECE_SECONDS * RATE) * 2)
    return [samples[start:end] for start, end in pairwise(edges)]


def sound(
    seconds: float, tail: float = STANDARD.tail
) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """Generate speech-like sound: syllables, a pause inside, silence at the end."""
    time = np.arange(round(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 8))
    syllables = 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 2.1 * time))
    pause = (time > seconds * 0.45) & (time < seconds * 0.45 + 0.22)
    silent = pause | (time > seconds - tail)
    hiss = np.random.default_rng(7).normal(0, 12, len(time))
    level = np.where(silent, 0, syllables * 5_000)
    return np.asarray((voice * level + hiss).clip(-32_768, 32_767), dtype="<i2")
