"""Estimates which words of a text have been spoken at a position in its clip. Pure.

The duration of a word is proportional to its letters. Pauses in the clip are matched
with punctuation, so that an error in one part of a sentence ends with that part.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise

from bots.config.graphemes import (
    CJK,
    HAN,
    KANA,
    SOUTH_EAST_ASIAN,
    UNSPACED,
    clusters,
    is_mark,
    is_unspaced,
)

# Chinese and Japanese with their punctuation and their full-width Latin letters.
_EAST_ASIAN = re.compile(f"[{CJK}\u3000-\u303f\uff00-\uffef]")

# The unit of `speech_frames`, see `calls.speech.audio`.
FRAME_SECONDS = 0.02
# The duration of a digit or a symbol, in letters. Each word takes one letter more.
DIGIT_LETTERS = 5
# Additional letters for a Chinese or Korean character, and for a Japanese kana.
_EXTRA_LETTERS = (
    (re.compile(f"[{HAN}\uac00-\ud7af]"), 2),
    (re.compile(f"[{KANA}]"), 1),
)
_ONE_SOUND = re.compile(f"[{SOUTH_EAST_ASIAN}]")
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
    words = list(_words(text))
    ends = [0, *accumulate(speech_length(text[start:end]) for start, end in words)]
    spans = _spans(speech_frames) or [(0, max(1, round(length / FRAME_SECONDS)))]
    pairs = zip(words, ends[1:], strict=True)
    marks = [length for (_, end), length in pairs if _is_punctuation(text[end - 1])]
    reached = _reached(played / FRAME_SECONDS, spans, marks, ends[-1])
    heard = sum(start + end < 2 * reached for start, end in pairwise(ends))
    return text[: words[heard - 1][1]].strip() if heard else ""


@lru_cache(maxsize=1024)  # asked for the same sentence after each piece of its sound
def speech_length(word: str) -> int:
    """Return how long a word takes to say, in letters."""
    digits = sum(sign.isdigit() or sign in _SYMBOLS for sign in word)
    letters = 1 + sum(map(str.isalpha, word)) + DIGIT_LETTERS * digits
    if word.isascii():
        return letters
    # In Hindi, Thai and related languages the vowels are marks at their consonants.
    letters += sum(map(is_mark, word)) - bool(_ONE_SOUND.match(word))
    for pattern, extra in _EXTRA_LETTERS:
        letters += extra * len(pattern.findall(word))
    return letters


@lru_cache(maxsize=1024)  # the same
def sounding_length(text: str) -> int:
    """Return how long a text takes to say without its pauses, in letters."""
    return sum(speech_length(text[start:end]) for start, end in _words(text))


def sounding_seconds(speech_frames: bytes) -> float:
    """The length of a clip without its pauses."""
    return _frames(_spans(speech_frames)) * FRAME_SECONDS


def joined(texts: Iterable[str]) -> str:
    """Join the texts of clips, with spaces unless their script has none."""
    result = ""
    for text in filter(None, texts):
        is_unspaced = _EAST_ASIAN.match(result[-1:]) or _EAST_ASIAN.match(text)
        result += text if is_unspaced or not result else f" {text}"
    return result


def beginning(text: str, words: str) -> str | None:
    """The beginning of a text that consists of these words, as the text spells it.

    The two may differ in spaces and punctuation. None if the text begins otherwise.
    """
    heard = [at for at, sign in enumerate(words) if not _is_punctuation(sign)]
    written = [at for at, sign in enumerate(text) if not _is_punctuation(sign)]
    if [words[at] for at in heard] != [text[at] for at in written[: len(heard)]]:
        return None
    if len(heard) == len(written):
        return text
    end = written[len(heard) - 1] + 1 if heard else 0
    after = words[heard[-1] + 1 :].rstrip() if heard else ""
    return text[: end + len(after)] if text.startswith(after, end) else text[:end]


def _words(text: str) -> Iterator[Span]:
    """Yield where the words of a text begin and end, with their punctuation.

    A character of a script without spaces is a word, but never half a character.
    """
    if not UNSPACED.search(text):
        yield from (word.span() for word in re.finditer(r"\S+", text))
        return
    start = end = at = 0
    after_unspaced = False
    for cluster in clusters(text):
        splits = is_unspaced(cluster)
        begins = splits or (after_unspaced and not _is_punctuation(cluster[0]))
        if start < end and (begins or cluster.isspace()):
            yield start, end
            start = end
        if not cluster.isspace():
            start = at if start == end else start
            after_unspaced = splits or (after_unspaced and start < at)
            end = at + len(cluster)
        at += len(cluster)
    if start < end:
        yield start, end


def _is_punctuation(sign: str) -> bool:
    return not (sign.isalnum() or is_mark(sign))


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
