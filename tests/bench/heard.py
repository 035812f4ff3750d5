"""Measures errors in the last heard word of a clip: python -m tests.bench.heard

Clips with exact word times are played up to a random moment and interrupted through
`Playback.interrupt`, as Twilio does: with a reported position, which is wrong by up to
the jitter, or with only a clock, which is wrong by 50 to 150 ms.
A word counts as heard once more than half of its true time lies before the cut.
"""

import json
import math
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from random import Random
from statistics import median

import numpy as np

from bots.audio.pcm import Pcm
from bots.sandbox.voice.catalogue import VOICES
from bots.sandbox.voice.speech import speak
from calls.speech.audio import silence
from calls.speech.levels import analyse
from calls.turns.clip import Clip, QueuedClip
from calls.turns.playback import Playback
from tests.bench.sentences import SENTENCES

SAMPLE_RATE = 8_000
SECONDS = (1, 15)
SPEAKING_RATES = (0.75, 1.35)
CLOCK_ERRORS_MS = (50, 150)
CUTS_PER_CLIP = 10
MAX_CLIPS = 20_000
SEED = 2026

_LINE = "{:17}{:13}{:10}{:>6}{:>8}{:>5}{:>5}{:>8}{:>12}\n"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip and the times (s from its start) when half of each word is spoken."""

    language: str
    clip: Clip
    halfway: list[float]


@dataclass(frozen=True, slots=True)
class Row:
    """Errors in words of one mapping of a position, for one language or all."""

    twilio_reports: str
    mapping: str
    language: str
    cuts: int
    median: float
    p95: int
    max: int
    exact: float
    within_one: float


@dataclass(frozen=True, slots=True)
class Miss:
    """The error of one cut in words."""

    twilio_reports: str
    mapping: str
    language: str
    words: int


def spoken(random: Random, language: str) -> Spoken:
    """Make a random clip: any voice, rate, level, hiss, silence at either end."""
    voices = [v["voiceId"] for v in VOICES if language in str(v["promptLanguages"])]
    while True:
        text = " ".join(random.sample(SENTENCES[language], random.choice([1, 1, 2, 3])))
        lead = random.choice([0, 0.05, 0.2, 0.5])
        trail = random.choice([0, 0.1, 0.4, 0.8])
        rate = random.uniform(*SPEAKING_RATES)
        speech = speak(
            text,
            str(random.choice(voices)),
            language=language,
            sample_rate=SAMPLE_RATE,
            speaking_rate=rate,
        )
        quiet = [silence(seconds, SAMPLE_RATE).data for seconds in (lead, trail)]
        pcm = _recorded(random, quiet[0] + speech.pcm + quiet[1])
        if SECONDS[0] <= pcm.seconds <= SECONDS[1]:
            halfway = [lead + (w.start_ms + w.end_ms) / 2000 for w in speech.words]
            return Spoken(
                language,
                Clip("", "", text, pcm.seconds, analyse(pcm).speech_frames),
                halfway,
            )


def misses(clips: int, jitter_ms: float, seed: int = SEED) -> Iterator[Miss]:
    """Speak this many clips and cut each at random moments."""
    random = Random(seed)
    # English most often.
    languages = [*SENTENCES, "en", "en"]
    clips_spoken = [spoken(random, languages[n % len(languages)]) for n in range(clips)]
    for target_clip in clips_spoken:
        alike = [
            other for other in clips_spoken if other.language == target_clip.language
        ]
        for _ in range(CUTS_PER_CLIP):
            queue = [random.choice(alike), target_clip, random.choice(alike)]
            yield from _cut(random, queue, jitter_ms)


def rows(missed: list[Miss]) -> Iterator[Row]:
    """Yield statistics of the errors, overall and by language."""
    mappings = dict.fromkeys((miss.twilio_reports, miss.mapping) for miss in missed)
    for key in mappings:
        for language in ("all", *SENTENCES):
            words = sorted(
                miss.words
                for miss in missed
                if (miss.twilio_reports, miss.mapping) == key
                and language in ("all", miss.language)
            )
            if words:
                yield _row(*key, language, words)


def even(cue: QueuedClip) -> str:
    """Return the heard words if letters were spread evenly over a clip."""
    clip, heard = cue.clip, cue.heard or 0.0
    reached = heard / clip.seconds * len(clip.text)
    heard_words, end = [], 0
    for word in clip.text.split():
        start = clip.text.index(word, end)
        end = start + len(word)
        if (start + end) / 2 <= reached:
            heard_words.append(word)
    return " ".join(heard_words)


MAPPINGS: dict[str, Callable[[QueuedClip], str]] = {
    "even spread": even,
    "shipped": lambda cue: cue.heard_text,
}


def _cut(random: Random, queue: list[Spoken], jitter_ms: float) -> Iterator[Miss]:
    """Interrupt the second of three clips, with and without a reported position."""
    before, target_clip, _ = queue
    cut = random.uniform(0, target_clip.clip.seconds)
    heard = len(before.halfway) + sum(half < cut for half in target_clip.halfway)
    clock_error = random.uniform(*CLOCK_ERRORS_MS) * random.choice([-1, 1]) / 1000
    reported = cut + random.uniform(-jitter_ms, jitter_ms) / 1000
    position = max(0, round(1000 * reported)) / 1000
    for reports, value in (("position", position), ("nothing", None)):
        playback = Playback()
        for item in queue:
            playback.add(1, item.clip, at=0)
        playback.speaking(True, at=1)
        now = 1 + before.clip.seconds + cut + clock_error
        playback.interrupt(now, value, cutoff=math.inf)
        for mapping, words_of in MAPPINGS.items():
            words = sum(len(words_of(cue).split()) for cue in playback.clips)
            yield Miss(reports, mapping, target_clip.language, abs(words - heard))


def _recorded(random: Random, data: bytes) -> Pcm:
    """Return the sound at a random level, with random hiss."""
    samples = np.frombuffer(data, dtype="<i2") * random.choice([1.0, 0.5, 0.2])
    hiss = np.random.default_rng(random.getrandbits(32)).normal(size=samples.size)
    samples += hiss * random.choice([0, 0, 5, 20])
    return Pcm(SAMPLE_RATE, samples.clip(-32_768, 32_767).astype("<i2").tobytes())


def _row(reports: str, mapping: str, language: str, words: list[int]) -> Row:
    count = len(words)
    return Row(
        twilio_reports=reports,
        mapping=mapping,
        language=language,
        cuts=count,
        median=median(words),
        p95=words[math.ceil(0.95 * count) - 1],
        max=words[-1],
        exact=round(words.count(0) / count, 4),
        within_one=round(sum(miss <= 1 for miss in words) / count, 4),
    )


def _number(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not minimum <= number <= maximum:
            wanted = f"a number from {minimum:,} to {maximum:,}"
            raise ArgumentTypeError(f"{text!r} is not {wanted}")
        return number

    return parse


def _clips(text: str) -> int:
    number = _number(1, MAX_CLIPS)(text)
    if number % 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(number)


def main() -> None:
    """Print the table, or its rows as JSON."""
    parser = ArgumentParser(prog="python -m tests.bench.heard")
    add = parser.add_argument
    add("--clips", type=_clips, default=600, help="(default: %(default)s)")
    add(
        "--jitter-ms",
        type=_number(0, 2_000),
        default=100.0,
        help="error of a reported position (default: %(default)s)",
    )
    add("--json", action="store_true")
    options = parser.parse_args()
    table = list(rows(list(misses(options.clips, options.jitter_ms))))
    if options.json:
        report = {"clips": options.clips, "jitter_ms": options.jitter_ms, "seed": SEED}
        report |= {"clock_error_ms": CLOCK_ERRORS_MS, "rows": [*map(asdict, table)]}
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return
    sys.stdout.write(_LINE.format(*Row.__slots__))
    for row in table:
        *cells, exact, within_one = asdict(row).values()
        sys.stdout.write(_LINE.format(*cells, f"{exact:.1%}", f"{within_one:.1%}"))


if __name__ == "__main__":
    main()
