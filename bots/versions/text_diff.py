"""What changed between two texts, word by word, in bounded time."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "removed", "added", "skipped"]
Opcode = tuple[str, int, int, int, int]

# Pairs of equal words (or lines) one comparison may look at, and words on either side.
# Real prompts stay far below; beyond, a comparison gets coarser instead of slower.
EFFORT = 500_000
LENGTH = 4_000
# Texts that share less than this of their letters are shown one after the other.
ALIKE = 0.3
CONTEXT = 160  # characters of unchanged text kept on either side of a change

# Chinese, Japanese and Korean write without spaces: each sign stands for itself.
SIGN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD = re.compile(rf"\s+|[{SIGN}]|[^\s{SIGN}]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text that stayed, went, came, or was left out because it stayed."""

    kind: Kind
    text: str


def compare(old: str, new: str) -> tuple[Part, ...]:
    """The way from one text to the other; long unchanged stretches are left out."""
    before, after = _lines(old), _lines(new)
    effort = EFFORT
    parts: list[Part] = []
    for tag, i, j, k, m in _opcodes(before, after, effort):
        one, other = "".join(before[i:j]), "".join(after[k:m])
        if tag == "equal":
            parts.append(Part("same", one))
            continue
        words, others = _words(one), _words(other)
        parts += _reworded(words, others, effort)
        effort -= _pairs(words, others)
    return tuple(_shortened(_joined(parts)))


def unified(text: str) -> str:
    """The text with one kind of line ending: browsers send another than the shell."""
    return text.replace("\r\n", "\n")


def _lines(text: str) -> list[str]:
    return unified(text).splitlines(keepends=True)


def _words(text: str) -> list[str]:
    """Words, each with the space before it."""
    words: list[str] = []
    space = ""
    for piece in WORD.findall(text):
        if piece.isspace():
            space = piece
        else:
            words.append(space + piece)
            space = ""
    return [*words, space] if space else words


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of equal members there are: what a comparison costs."""
    counts = Counter(new)
    return sum(count * counts[word] for word, count in Counter(old).items())


def _opcodes(old: Sequence[str], new: Sequence[str], effort: int) -> list[Opcode]:
    """difflib's steps from one to the other; one big step where that takes too long."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    one, other = old[head : len(old) - tail], new[head : len(new) - tail]
    steps: list[Opcode] = [("replace", 0, len(one), 0, len(other))]
    if max(len(one), len(other)) <= LENGTH and _pairs(one, other) <= effort:
        steps = list(SequenceMatcher(None, one, other, autojunk=False).get_opcodes())
    return [
        ("equal", 0, head, 0, head),
        *((tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in steps),
        ("equal", len(old) - tail, len(old), len(new) - tail, len(new)),
    ]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    length = min(len(old), len(new))
    return next((i for i in range(length) if old[i] != new[i]), length)


def _reworded(old: list[str], new: list[str], effort: int) -> list[Part]:
    """The words that went and came."""
    steps = _opcodes(old, new, effort)
    shared = sum(len("".join(old[i:j])) for tag, i, j, _, _ in steps if tag == "equal")
    if shared < ALIKE * min(len("".join(old)), len("".join(new))):
        return [Part("removed", "".join(old)), Part("added", "".join(new))]
    parts: list[Part] = []
    for tag, i, j, k, m in steps:
        if tag == "equal":
            parts.append(Part("same", "".join(old[i:j])))
        else:
            parts += _exchanged("".join(old[i:j]), "".join(new[k:m]))
    return parts


def _exchanged(old: str, new: str) -> list[Part]:
    """One text for another; the space before both is no part of the change."""
    one, other = (text[: len(text) - len(text.lstrip())] for text in (old, new))
    length = len(one) if one == other else 0
    return [
        Part("same", old[:length]),
        Part("removed", old[length:]),
        Part("added", new[length:]),
    ]


def _joined(parts: list[Part]) -> list[Part]:
    """Neighbours of one kind as one; no empty ones."""
    joined: list[Part] = []
    for part in parts:
        if joined and joined[-1].kind == part.kind:
            joined[-1] = Part(part.kind, joined[-1].text + part.text)
        elif part.text:
            joined.append(part)
    return joined


def _shortened(parts: list[Part]) -> Iterator[Part]:
    """Unchanged text only where it shows what a change stands beside."""
    last = len(parts) - 1
    for place, part in enumerate(parts):
        if part.kind != "same" or len(part.text) < 3 * CONTEXT:
            yield part
            continue
        before = _cut(part.text[:CONTEXT]) if place else ""
        after = _cut(part.text[: -CONTEXT - 1 : -1])[::-1] if place < last else ""
        middle = part.text[len(before) : len(part.text) - len(after)]
        yield from _joined(
            [
                Part("same", before),
                Part("skipped", _count(middle)),
                Part("same", after),
            ]
        )


def _cut(text: str) -> str:
    """The text up to its last space, not to end within a word."""
    end = max(text.rfind(" "), text.rfind("\n"))
    return text[: end + 1] if end > 0 else text


def _count(text: str) -> str:
    words = len(_words(text.strip()))
    return "1 word unchanged" if words == 1 else f"{words:,} words unchanged"
