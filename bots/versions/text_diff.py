"""Differences between two texts, word by word, in bounded time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from diff_match_patch import diff_match_patch

Kind = Literal["same", "removed", "added", "skipped"]
KINDS: dict[int, Kind] = {0: "same", -1: "removed", 1: "added"}

TIMEOUT_SECONDS = 0.5  # after that, the rest of a comparison is coarser
CONTEXT = 160  # characters of unchanged text kept on either side of a change

# Chinese, Japanese and Korean have no spaces: each character counts as a word.
IDEOGRAPH = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
TOKEN = re.compile(rf"\s|[{IDEOGRAPH}]|[^\s{IDEOGRAPH}]+")
# Words are compared as characters from here on, which the library takes for letters.
FIRST_CODE = 0x20000


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text. A `skipped` part says how many unchanged words are left out."""

    kind: Kind
    text: str


def compare(old: str, new: str) -> tuple[Part, ...]:
    """List the changes between two texts, without long unchanged stretches."""
    codes: dict[str, str] = {}
    encoded = [_encoded(unified(text), codes) for text in (old, new)]
    words = {code: word for word, code in codes.items()}
    library = diff_match_patch()
    library.Diff_Timeout = TIMEOUT_SECONDS
    diffs = library.diff_main(*encoded, checklines=False)
    library.diff_cleanupSemantic(diffs)
    parts = [
        Part(KINDS[operation], "".join(map(words.__getitem__, text)))
        for operation, text in diffs
    ]
    return tuple(_shortened(parts))


def unified(text: str) -> str:
    """The text with one kind of line ending: browsers send another than the shell."""
    return text.replace("\r\n", "\n")


def _encoded(text: str, codes: dict[str, str]) -> str:
    """The text with one character in place of each word."""
    return "".join(
        codes.setdefault(word, chr(FIRST_CODE + len(codes)))
        for word in TOKEN.findall(text)
    )


def _shortened(parts: list[Part]) -> Iterator[Part]:
    """Reduce unchanged text to the context of the changes beside it."""
    last = len(parts) - 1
    for index, part in enumerate(parts):
        if part.kind != "same" or len(part.text) < 3 * CONTEXT:
            yield part
            continue
        before = _whole_words(part.text[:CONTEXT]) if index else ""
        after = (
            _whole_words(part.text[: -CONTEXT - 1 : -1])[::-1] if index < last else ""
        )
        skipped = part.text[len(before) : len(part.text) - len(after)]
        context = Part("same", before), Part("skipped", _count(skipped))
        yield from (part for part in (*context, Part("same", after)) if part.text)


def _whole_words(text: str) -> str:
    """Cut a text at its last space."""
    end = max(text.rfind(" "), text.rfind("\n"))
    return text[: end + 1] if end > 0 else text


def _count(text: str) -> str:
    words = sum(not word.isspace() for word in TOKEN.findall(text))
    return "1 word unchanged" if words == 1 else f"{words:,} words unchanged"
