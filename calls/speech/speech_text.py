"""Divides a text that is too long for one request for speech. Pure."""

import re
from collections.abc import Iterator

from bots.config.graphemes import clusters

# Characters in one request of the TTS API, which refuses more.
MAX_CHARACTERS = 2000
# Characters in each part of a longer text: half a minute of speech, soon synthesised.
PART_CHARACTERS = 500
# Ends of sentences, else of clauses, else of words.
_ENDS = (
    re.compile(r"""[.!?…]["'”’»)\]]*(?=\s)|[。！？｡؟।॥።။៖།][」』”]*|\n"""),  # noqa: RUF001
    re.compile(r"[,;:–—](?=\s)|[、，；：،؛]"),  # noqa: RUF001
    re.compile(r"\s"),
)
# A pause or a direction for the voice, such as <break time="1s"/> or [laugh].
_OPEN_TAG = re.compile(r"[<\[][^<>\[\]]{0,200}\Z")
_REST_OF_TAG = re.compile(r"[^<>\[\]]{0,200}[>\]]")


def speech_parts(text: str) -> list[str]:
    """The parts of a text that are spoken one after the other; mostly all of it."""
    return [text] if len(text) <= MAX_CHARACTERS else list(_divided(text))


def _divided(text: str) -> Iterator[str]:
    rest = text.strip()
    while len(rest) > PART_CHARACTERS:
        end = _end_of_part(rest)
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()
    if rest:
        yield rest


def _end_of_part(text: str) -> int:
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, 0, PART_CHARACTERS)]
        if end := next((end for end in reversed(ends) if _may_end(text, end)), 0):
            return end
    end = 0
    for cluster in clusters(text[: 2 * PART_CHARACTERS]):
        if end and end + len(cluster) > PART_CHARACTERS:
            break
        end += len(cluster)
    return min(end, MAX_CHARACTERS)


def _may_end(text: str, end: int) -> bool:
    """True outside of tags."""
    is_open = _OPEN_TAG.search(text, max(end - 201, 0), end)
    return not (is_open and _REST_OF_TAG.match(text, end))
