"""Splits the text of a turn into the part that the caller heard and the rest. Pure."""

import re

from calls.turns.turn import Turn
from calls.turns.word_timing import beginning


def heard_and_not(turn: Turn) -> tuple[str, str]:
    """Return the heard and the unheard part of a turn of a call in progress.

    All of it counts as heard while the bot is still speaking.
    """
    text, heard = turn.display_text
    if turn.role == "bot" and turn.ended_at is not None:
        return split_at_heard(text, heard)
    return text, ""


def split_at_heard(text: str, heard: str) -> tuple[str, str]:
    """Split a text behind the words that were heard.

    The heard text may have other spaces. If it has other words, too, as many words of
    the text count as heard.
    """
    if not heard.strip():
        return "", text
    if (start := beginning(text, heard)) is not None:
        return start, text[len(start) :]
    words, count = list(re.finditer(r"\S+", text)), len(heard.split())
    return heard, text[words[count - 1].end() :] if count <= len(words) else ""
