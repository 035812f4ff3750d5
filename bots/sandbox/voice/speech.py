"""The sandbox's voices: espeak-ng, local, quick and plainly artificial."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from threading import Lock
from zlib import crc32

import numpy as np
import numpy.typing as npt
import soxr

from bots.sandbox.voice.catalogue import accent
from bots.sandbox.voice.espeak import NATIVE_RATE, Espeak, EspeakVoice

_one_at_a_time = Lock()
LOUD = 300  # of 32,767; softer samples are between words

# Tags, and characters that C strings and UTF-8 cannot hold.
_UNSPOKEN = re.compile(r"\[[^\]]*\]|<[^>]*>|[\x00-\x1f\ud800-\udfff]")
_VARIANTS = {"female": ("f1", "f2", "f3", "f4"), "male": ("m1", "m2", "m3", "m7")}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, and its times in milliseconds from the start."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono 16-bit little-endian PCM and the true times of its words."""

    pcm: bytes
    sample_rate: int
    words: list[Word]


def speakable(text: str) -> str:
    """The text without instructions such as `[say warmly]` and `<break/>`."""
    return " ".join(_UNSPOKEN.sub(" ", text).split())


def speak(
    text: str,
    voice_id: str,
    *,
    language: str = "",
    sample_rate: int = 48_000,
    speaking_rate: float = 1.0,
) -> Speech:
    """Synthesise a text. Blocks for some milliseconds a sentence; safe in threads."""
    text = speakable(text)
    if not text:
        return Speech(b"", sample_rate, [])
    voice = espeak_voice(voice_id, language)
    with _one_at_a_time:
        native, marks = _espeak().say(text, voice, speaking_rate)
    samples = np.frombuffer(native, dtype="<i2")
    words = _words(text, marks, np.flatnonzero(np.abs(samples.astype(int)) > LOUD))
    pcm = soxr.resample(samples, NATIVE_RATE, sample_rate).astype("<i2").tobytes()
    return Speech(pcm, sample_rate, words)


def espeak_voice(voice_id: str, language: str = "") -> EspeakVoice:
    """Parameters that are always the same for a voice, and unlike other voices'."""
    own, gender = accent(voice_id)
    # A British voice stays British when merely asked for English.
    asked = language or own
    locale = own if asked.split("-")[0] == own.split("-")[0] else asked
    seed = crc32(voice_id.encode(errors="replace"))
    variant = _VARIANTS[gender][seed % 4]
    return EspeakVoice(
        locale.lower(), variant, 35 + seed // 4 % 31, 155 + seed // 128 % 21
    )


def _words(
    text: str, marks: list[tuple[int, int]], loud: npt.NDArray[np.intp]
) -> list[Word]:
    """Times for each written word.

    espeak marks some words twice ("42") and says some pairs as one ("of the"): a word
    starts at its first mark, and words without one share the time of the one before.
    """
    tokens = list(re.finditer(r"\S+", text))
    starts: dict[int, int] = {}
    for index, token in enumerate(tokens):
        inside = [ms for at, ms in marks if token.start() <= at < token.end()]
        if inside or index == 0:
            starts[index] = min(inside, default=0)
    words: list[Word] = []
    bounds = [*starts, len(tokens)]
    for first, after in pairwise(bounds):
        end = _last_sound(loud, starts[first], starts.get(after))
        words += _share([t[0] for t in tokens[first:after]], starts[first], end)
    return words


def _last_sound(loud: npt.NDArray[np.intp], start_ms: int, next_ms: int | None) -> int:
    """The end of a word's sound in milliseconds, without the pause after it."""
    before = loud.size
    if next_ms is not None:
        before = int(np.searchsorted(loud, next_ms * NATIVE_RATE // 1000, side="right"))
    last = int(loud[before - 1]) * 1000 // NATIVE_RATE if before else 0
    return max(last, start_ms)


def _share(texts: list[str], start: int, end: int) -> list[Word]:
    letters, total, words = 0, sum(map(len, texts)), []
    for text in texts:
        begin = start + (end - start) * letters // total
        letters += len(text)
        words.append(Word(text, begin, start + (end - start) * letters // total))
    return words


@cache
def _espeak() -> Espeak:
    return Espeak()
