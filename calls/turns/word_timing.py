"""Where in a text the voice is at a moment of its sound: cuts at a word.

A word's share of the sound goes by its letters. A pause says nothing: it takes no
share, and where it fits punctuation it is taken to stand for it, so that an error in
one part of a sentence ends with that part.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from unicodedata import category

# Chinese and Japanese are written without spaces: there each sign counts as a word.
_SIGNS = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_SIGNS}][^\w\s]*|[^\s{_SIGNS}]+")
# These, their punctuation, and their own forms of Latin letters.
_UNSPACED = re.compile(rf"[{_SIGNS}\u3000-\u303f\uff00-\uffef]")

# The unit of `pace`, see `calls.speech.audio`.
FRAME_SECONDS = 0.02
# What saying a digit or a symbol takes, in letters; each word takes one more letter.
DIGIT_LETTERS = 5
# What a sign of these takes beyond one letter: Chinese and Korean; Japanese kana.
_DENSE = (
    (re.compile(r"[\u3400-\u9fff\uac00-\ud7af]"), 2),
    (re.compile(r"[\u3040-\u30ff]"), 1),
)
_SYMBOLS = frozenset("$€£¥%&@+°")
# How far (in letters) a pause may be from the punctuation it is taken for.
STRAY_LETTERS = 10

Span = tuple[int, int]


def words_within(text: str, played: float, length: float, pace: bytes = b"") -> str:
    """The leading words of `text` heard in `played` of a clip's `length` seconds.

    A word counts once more than half of it has been spoken. Without a `pace` the
    voice is taken to speak evenly from beginning to end.
    """
    if played >= length:
        return text.strip()
    words = list(_WORD.finditer(text))
    ends = [0, *accumulate(speech_length(word[0]) for word in words)]
    spans = _spans(pace) or [(0, max(1, round(length / FRAME_SECONDS)))]
    pairs = zip(words, ends[1:], strict=True)
    marks = [end for word, end in pairs if not word[0][-1].isalnum()]
    reached = _reached(played / FRAME_SECONDS, spans, marks, ends[-1])
    heard = sum(start + end < 2 * reached for start, end in pairwise(ends))
    return text[: words[heard - 1].end()].strip() if heard else ""


def speech_length(word: str) -> int:
    """How long a word takes to say, in letters."""
    long = sum(sign.isdigit() or sign in _SYMBOLS for sign in word)
    count = 1 + sum(map(str.isalpha, word)) + DIGIT_LETTERS * long
    if word.isascii():
        return count
    # The vowels of Hindi and its relatives are marks at their consonants.
    marks = sum(category(sign).startswith("M") for sign in word)
    return count + marks + sum(more * len(each.findall(word)) for each, more in _DENSE)


def joined(texts: Iterable[str]) -> str:
    """The words of several clips as one text, spaced as their script is."""
    whole = ""
    for text in filter(None, texts):
        is_tight = not whole or _UNSPACED.match(whole[-1]) or _UNSPACED.match(text)
        whole += text if is_tight else f" {text}"
    return whole


def are_same(left: str, right: str) -> bool:
    """Whether two texts have the same words, however they are spaced and punctuated."""
    letters_of = (filter(str.isalnum, text) for text in (left, right))
    return len({"".join(found) for found in letters_of}) == 1


def _spans(pace: bytes) -> list[Span]:
    """When there is sound, in frames from the start of the clip."""
    runs = struct.iter_unpack("<H", pace[: len(pace) // 4 * 4])
    bounds: Iterator[int] = accumulate(run for (run,) in runs)
    spans = zip(bounds, bounds, strict=True)
    return [(start, end) for start, end in spans if start < end]


def _reached(at: float, spans: list[Span], marks: list[int], total: int) -> float:
    """How many of the text's letters have been said at frame `at`.

    The longest pauses are the surest: each that fits a mark of punctuation leaves only
    the part before or after it to search.
    """
    first, last, said, due = 0, len(spans), 0, total
    pauses = range(1, len(spans))
    for place in sorted(pauses, key=lambda n: spans[n - 1][1] - spans[n][0]):
        if not first < place < last:
            continue
        share = _sound(spans[first:place]) / _sound(spans[first:last])
        expected = said + share * (due - said)
        between = (mark for mark in marks if said < mark < due)
        mark = min(between, key=lambda mark: abs(mark - expected), default=None)
        if mark is None or abs(mark - expected) > STRAY_LETTERS:
            continue
        if at < spans[place][0]:
            last, due = place, mark
        else:
            first, said = place, mark
    section = spans[first:last]
    heard = sum(min(max(at - start, 0), end - start) for start, end in section)
    return said + heard / _sound(section) * (due - said)


def _sound(spans: list[Span]) -> int:
    return sum(end - start for start, end in spans)
