"""TODO."""

import re

from calls.turns.turn import Turn as SpokenTurn


def heard_and_not(turn: SpokenTurn) -> tuple[str, str]:
    """What was heard of a turn of a call in progress, and what was not.

    While the bot still speaks, all of it counts as heard.
    """
    text, heard = turn.display_text
    if turn.role == "bot" and turn.ended_at is not None:
        return split_at_heard(text, heard)
    return text, ""


def split_at_heard(text: str, heard: str) -> tuple[str, str]:
    """Divide a text into what was heard and the rest.

    Words are counted, because the carrier reports what it played with white space and
    spelling of its own; the last word may have been cut in two.
    """
    words = list(re.finditer(r"\S+", text))
    played = heard.split()
    if not played:
        return "", text
    if len(played) > len(words):
        return heard, ""
    last = words[len(played) - 1]
    cut = last.end()
    if last.group().startswith(played[-1]):
        cut = last.start() + len(played[-1])
    return text[:cut] if text[:cut].split() == played else heard, text[cut:]
