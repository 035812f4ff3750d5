"""Recognising short phrases in speech: backchannels, goodbyes, questions. Pure."""

import re
from functools import lru_cache

from bots.config.graphemes import ZWNJ, is_mark, is_unspaced

# A goodbye phrase counts only within the last words of an utterance.
MAX_GOODBYE_WORDS = 8
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001
# Characters that may follow the last punctuation mark of a sentence.
SENTENCE_END = re.compile(
    r"""[.!?…:;。！？：；｡؟։।॥።။៖།]["'”’»」』)\]]*\s*\Z"""  # noqa: RUF001
)
_CLOSING = " \n\"'”’»)"  # noqa: RUF001
# Notes on sounds, as speech recognition writes them for a caller who says nothing:
# [BLANK_AUDIO], (music), *cough*, <noise>, 【音楽】, and songs between notes.
_SOUNDS = re.compile(
    r"\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>|\{[^{}]*\}|\*+[^*]+\*+|[♪♫🎵🎶].*[♪♫🎵🎶]"
    r"|【[^【】]*】|（[^（）]*）|［[^［］]*］|「[^「」]*」",  # noqa: RUF001
    re.DOTALL,
)


def has_words(text: str) -> bool:
    """True if a caller said something: a letter or a digit, besides notes on sounds.

    Digits in brackets are words, because a telephone number may begin with them.
    """
    spoken = _SOUNDS.sub(lambda note: "".join(filter(str.isdigit, note[0])), text)
    return any(map(str.isalnum, spoken))


def normalised(text: str) -> str:
    """Return the words of a text in lower case, without punctuation."""
    text = text.lower().replace(ZWNJ, "")
    signs = (sign if sign.isalnum() or is_mark(sign) else " " for sign in text)
    return " ".join("".join(signs).split())


@lru_cache(maxsize=256)
def phrase_set(comma_separated: str) -> frozenset[str]:
    """Parse a comma-separated list of phrases into normalised phrases."""
    return frozenset(filter(None, map(normalised, comma_separated.split(","))))


def is_backchannel(text: str, backchannels: str) -> bool:
    """True for "mhm" or "okay okay": the whole text consists of backchannels."""
    phrases, words = phrase_set(backchannels), normalised(text)
    return bool(words) and (
        words in phrases or all(_consists_of(word, phrases) for word in words.split())
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
        ending == phrase
        or ending.endswith(phrase if is_unspaced(phrase[0]) else f" {phrase}")
        for phrase in phrase_set(goodbye_phrases)
    )


def _consists_of(word: str, phrases: frozenset[str]) -> bool:
    """True for a phrase; in a script without spaces also for several, as "嗯嗯"."""
    if word in phrases:
        return True
    starts = (phrase for phrase in phrases if word.startswith(phrase))
    return is_unspaced(word[0]) and any(
        _consists_of(word[len(phrase) :], phrases) for phrase in starts
    )
