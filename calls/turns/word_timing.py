"""Estimates which words of a text have been spoken at a position in its clip. Pure.

The duration of a word is proportional to its letters. Pauses in the clip are matched
with punctuation, so that an error in one part of a sentence ends with that part.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from unicodedata import category

# Chinese and Japanese have no spaces, so each character counts as a word.
_CJK = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}][^\w\s]*|[^\s{_CJK}]+")
# The same with their punctuation and their full-width Latin letters.
_UNSPACED = re.compile(rf"[{_CJK}\u3000-\u303f\uff00-\uffef]")

# The unit of `speech_frames`, see `calls.speech.audio`.
FRAME_SECONDS = 0.02
# The duration of a digit or a symbol, in letters. Each word takes one letter more.
DIGIT_LETTERS = 5
# Additional letters for a Chinese or Korean character, and for a Japanese kana.
_EXTRA_LETTERS = (
    (re.compile(r"[\u3400-\u9fff\uac00-\ud7af]"), 2),
    (re.compile(r"[\u3040-\u30ff]"), 1),
)
_SYMBOLS = frozenset("$€£¥%&@+°")
# How far a pause may be from the punctuation that it is matched with, in letters.
STRAY_LETTERS = 10

Span = tuple[int, int]


def words_within(
    text: str, played: float, length: float, speech_frames: bytes = b""
) -> str:
    """Return the words of `text` heard in `played` of a clip's `length` seconds.

    A word counts once more than half of it has been spoken. Without `speech_frames`
    the voice is assumed to speak evenly from beginning to end.
    """
    if played >= length:
        return text.strip()
    words = list(_WORD.finditer(text))
    ends = [0, *accumulate(speech_length(word[0]) for word in words)]
    spans = _spans(speech_frames) or [(0, max(1, round(length / FRAME_SECONDS)))]
    pairs = zip(words, ends[1:], strict=True)
    marks = [end for word, end in pairs if not word[0][-1].isalnum()]
    reached = _reached(played / FRAME_SECONDS, spans, marks, ends[-1])
    heard = sum(start + end < 2 * reached for start, end in pairwise(ends))
    return text[: words[heard - 1].end()].strip() if heard else ""


def speech_length(word: str) -> int:
    """Return how long a word takes to say, in letters."""
    digits = sum(sign.isdigit() or sign in _SYMBOLS for sign in word)
    letters = 1 + sum(map(str.isalpha, word)) + DIGIT_LETTERS * digits
    if word.isascii():
        return letters
    # In Hindi and related languages the vowels are marks at their consonants.
    letters += sum(category(sign).startswith("M") for sign in word)
    for pattern, extra in _EXTRA_LETTERS:
        letters += extra * len(pattern.findall(word))
    return letters


def joined(texts: Iterable[str]) -> str:
    """Join the texts of clips, with spaces unless their script has none."""
    result = ""
    for text in filter(None, texts):
        is_unspaced = _UNSPACED.match(result[-1:]) or _UNSPACED.match(text)
        result += text if is_unspaced or not result else f" {text}"
    return result


def are_same(left: str, right: str) -> bool:
    """True if two texts differ at most in spaces and punctuation."""
    return list(filter(str.isalnum, left)) == list(filter(str.isalnum, right))


def _spans(speech_frames: bytes) -> list[Span]:
    """The spans of speech, in frames from the start of the clip."""
    pairs_only = speech_frames[: len(speech_frames) // 4 * 4]
    runs = struct.iter_unpack("<H", pairs_only)
    bounds: Iterator[int] = accumulate(run for (run,) in runs)
    spans = zip(bounds, bounds, strict=True)
    return [(start, end) for start, end in spans if start < end]


def _reached(at: float, spans: list[Span], marks: list[int], total: int) -> float:
    """Return how many letters of the text have been spoken at frame `at`.

    Longer pauses are matched first. Each pause that fits punctuation leaves only the
    part before or after it to search.
    """
    first, last = 0, len(spans)  # the section of spans that is left to search
    before, until = 0, total  # its letters
    pauses = range(1, len(spans))
    for place in sorted(pauses, key=lambda n: spans[n - 1][1] - spans[n][0]):
        if not first < place < last:
            continue
        share = _frames(spans[first:place]) / _frames(spans[first:last])
        expected = before + share * (until - before)
        candidates = (mark for mark in marks if before < mark < until)
        mark = min(candidates, key=lambda mark: abs(mark - expected), default=None)
        if mark is None or abs(mark - expected) > STRAY_LETTERS:
            continue
        if at < spans[place][0]:
            last, until = place, mark
        else:
            first, before = place, mark
    section = spans[first:last]
    spoken = sum(min(max(at - start, 0), end - start) for start, end in section)
    return before + spoken / _frames(section) * (until - before)


def _frames(spans: list[Span]) -> int:
    return sum(end - start for start, end in spans)
