"""Counts sentences that were let go too early: python -m tests.bench.early

Sentences spoken by espeak are streamed as Inworld does, faster than real time; some
pieces come late. Some sentences have a further pause inside, between two words.
A sentence was let go too early if speech of it followed. `p50` and `p99` are the delay
of the others behind their last sound (ms).
"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from random import Random

import numpy as np

from bots.audio.pcm import Pcm
from bots.inworld.events import Audio, Transcript
from bots.inworld.segments import Segmenter
from bots.sandbox.voice.catalogue import VOICES
from bots.sandbox.voice.speech import speak
from calls.speech.audio import silence
from calls.speech.levels import QUIET, analyse
from calls.speech.segment_end import SegmentEnd, SpeakingRate
from tests.bench.sentences import SENTENCES

SAMPLE_RATE = 16_000
MAX_SECONDS = 60.0
PIECES = (0.02, 0.04, 0.1, 0.3)
SPEAKING_RATES = (0.8, 1.25)
# How many times faster than real time sound comes. A share of the pieces is late.
PACE = 6.0
LATE_SHARE, LATE_SECONDS = 0.02, (0.01, 0.06)
Q = (50, 99)
# Seconds of silence that a stream adds inside a sentence and at its end.
PAUSES = (0.0, 0.0, 0.08, 0.15, 0.3)
ENDS = (0.05, 0.08, 0.12, 0.25)
# Sentences of one voice: its rate is learned from them.
SENTENCES_A_VOICE = 20
# The first ones teach the rate and are not counted.
LEARNING = 4
SEED = 2026


@dataclass(slots=True)
class Result:
    """How many sentences were let go too early, and the delay (ms) of the others."""

    sentences: int = 0
    too_early: int = 0
    p50: float = 0.0
    p99: float = 0.0


def measure(sentences: int, seed: int = SEED) -> Result:
    """Stream about this many sentences, in all languages."""
    random, result = Random(seed), Result()
    languages = [*SENTENCES, "en", "en"]
    number, delays = 0, list[float]()
    while result.sentences < sentences:
        _voice(random, languages[number % len(languages)], result, delays)
        number += 1
    result.p50, result.p99 = (round(float(np.percentile(delays, q)), 1) for q in Q)
    return result


def _voice(random: Random, language: str, result: Result, delays: list[float]) -> None:
    voices = [v["voiceId"] for v in VOICES if language in str(v["promptLanguages"])]
    voice, speed = str(random.choice(voices)), random.uniform(*SPEAKING_RATES)
    rate = SpeakingRate()
    texts = random.choices(SENTENCES[language], k=SENTENCES_A_VOICE)
    for number, text in enumerate(texts):
        sound = _spoken(random, text, voice, language, speed * random.gauss(1, 0.04))
        # Of its own, so that the next sentence is the same whatever this one's end is.
        stream = Random(random.random())
        released, delay = _stream(stream, text, sound, rate)
        pcm = Pcm(SAMPLE_RATE, sound)
        rate.learn(text, pcm.seconds)
        rate.learn_sound(text, analyse(pcm).speech_frames)
        if number >= LEARNING:
            result.sentences += 1
            is_early = _has_speech(sound, released)
            result.too_early += is_early
            if not is_early:
                delays.append(1000 * delay)


def _spoken(
    random: Random, text: str, voice: str, language: str, speed: float
) -> bytes:
    speech = speak(
        text, voice, language=language, sample_rate=SAMPLE_RATE, speaking_rate=speed
    )
    samples = np.frombuffer(speech.pcm, dtype="<i2")
    end = int(np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())[-1]) + 1
    data = samples[:end].tobytes()
    if len(speech.words) > 2:
        ms = random.choice(speech.words[:-1]).end_ms
        at = min(2 * (ms * SAMPLE_RATE // 1000), len(data))
        pause = silence(random.choice(PAUSES), SAMPLE_RATE).data
        data = data[:at] + pause + data[at:]
    return data + silence(random.choice(ENDS), SAMPLE_RATE).data


def _stream(
    random: Random, text: str, sound: bytes, rate: SpeakingRate
) -> tuple[int, float]:
    """How many bytes were let go, and how long (s) after the latest of them."""
    segmenter = Segmenter(SegmentEnd(rate, MAX_SECONDS), SAMPLE_RATE)
    segmenter.feed(Transcript(text))
    length = random.choice(PIECES)
    size, now = 2 * round(length * SAMPLE_RATE), 0.0
    for start in range(0, len(sound), size):
        came = now + length / PACE
        if random.random() < LATE_SHARE * length / max(PIECES):
            came += random.uniform(*LATE_SECONDS)
        if released := _poll(segmenter, now, came):
            return released
        now = came
        if segments := segmenter.feed(Audio(sound[start : start + size]), now):
            return sum(len(segment.pcm.data) for segment in segments), 0.0
    return _poll(segmenter, now, now + MAX_SECONDS) or (len(sound), MAX_SECONDS)


def _poll(segmenter: Segmenter, since: float, until: float) -> tuple[int, float] | None:
    """Look at a quiet stream whenever the segmenter wants it."""
    now = since
    while (due := segmenter.due(now)) is not None and due < until:
        now = max(due, now) + 1e-6
        if segments := segmenter.poll(now):
            return sum(len(segment.pcm.data) for segment in segments), now - since
    return None


def _has_speech(sound: bytes, released: int) -> bool:
    samples = np.abs(np.frombuffer(sound, dtype="<i2").astype(int))
    rest = samples[released // 2 :]
    return bool(len(rest)) and int(rest.max()) > QUIET * int(samples.max())


def main() -> None:
    """Print the result as JSON."""
    parser = ArgumentParser(prog="python -m tests.bench.early")
    parser.add_argument("--sentences", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    result = measure(options.sentences, options.seed)
    sys.stdout.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
