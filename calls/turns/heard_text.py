"""Splits the text of a turn into the part that the caller heard and the rest. Pure."""

import re

from calls.turns.turn import Turn


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

    The words are counted, since the heard text may have other white space. The last
    word may be incomplete.
    """
    words = list(re.finditer(r"\S+", text))
    heard_words = heard.split()
    if not heard_words:
        return "", text
    if len(heard_words) > len(words):
        return heard, ""
    last = words[len(heard_words) - 1]
    end = last.end()
    if last.group().startswith(heard_words[-1]):
        end = last.start() + len(heard_words[-1])
    return text[:end] if text[:end].split() == heard_words else heard, text[end:]
