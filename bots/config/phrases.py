"""Recognising short phrases in speech: backchannels, goodbyes, questions. Pure."""

import re
from functools import lru_cache

# A goodbye phrase counts only within the last words of an utterance.
MAX_GOODBYE_WORDS = 8
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001
# Characters that may follow the last punctuation mark of a sentence.
_CLOSING = " \n\"'”’»)"  # noqa: RUF001
_WORD = re.compile(r"[^\W_]+")


def normalised(text: str) -> str:
    """Return the words of a text in lower case, without punctuation."""
    return " ".join(_WORD.findall(text.lower()))


@lru_cache(maxsize=256)
def phrase_set(comma_separated: str) -> frozenset[str]:
    """Parse a comma-separated list of phrases into normalised phrases."""
    return frozenset(filter(None, map(normalised, comma_separated.split(","))))


def is_backchannel(text: str, backchannels: str) -> bool:
    """True for "mhm" or "okay okay": the whole text consists of backchannels."""
    phrases, words = phrase_set(backchannels), normalised(text)
    return bool(words) and (
        words in phrases or all(word in phrases for word in words.split())
    )


def is_question(text: str) -> bool:
    """True if the text ends with a question mark."""
    return text.rstrip(_CLOSING).endswith(QUESTION_MARKS)


def ends_with_goodbye(text: str, goodbye_phrases: str) -> bool:
    """True if the text ends with one of the phrases and is not a question."""
    if is_question(text):
        return False
    ending = " ".join(normalised(text).split()[-MAX_GOODBYE_WORDS:])
    return any(
        re.search(rf"\b{phrase}$", ending) for phrase in phrase_set(goodbye_phrases)
    )
