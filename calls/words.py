"""Where in a text the voice is after part of its sound: cuts at a word."""

import re

_WORD = re.compile(r"\S+")


def words_within(text: str, fraction: float) -> str:
    """The leading words of `text` spoken within `fraction` (0 to 1) of its sound.

    A word counts once more than half of it has been spoken.
    """
    reached = fraction * len(text)
    end = 0
    for word in _WORD.finditer(text):
        if (word.start() + word.end()) / 2 > reached:
            break
        end = word.end()
    return text[:end].strip()
