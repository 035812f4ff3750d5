"""Puts the results of tool calls into words."""

import re
from collections.abc import Iterable

from bots.config.placeholders import flatten
from bots.config.text import read_json
from bots.sandbox.conversation import clean

MAX_FACTS = 6
# How the server introduces the answer of another server.
_INTRODUCTION = re.compile(r"^Answer of the tool[^:]*:\s*")
_FAILED = re.compile(r"^The tool failed:?\s*")


def summarised(results: Iterable[str]) -> str:
    """An answer made of the results of the latest calls."""
    return " ".join(dict.fromkeys(map(_in_words, results)))


def _in_words(result: str) -> str:
    if keys := re.search(r"pressed ([\d*# ]+)", result):
        count = len(keys[1].split())
        return f"Thank you, I have your {count} {'key' if count == 1 else 'keys'}."
    if _FAILED.match(result):
        # After the first sentence come instructions to the model.
        reason = _FAILED.sub("", result).partition(". ")[0]
        return f"I am sorry, that did not work. {clean(reason, 12) or 'It failed'}."
    answer = _INTRODUCTION.sub("", result)
    if answer == result:
        return f"I was told: {_sentence(result)}"
    return f"Here is what I found: {_facts(answer)}"


def _facts(answer: str) -> str:
    """An answer to be read aloud: the first values of JSON, or its words."""
    facts = flatten(read_json(answer))
    pairs = [f"{name} {value}" for name, value in list(facts.items())[:MAX_FACTS]]
    return _sentence(", ".join(pairs) or answer)


def _sentence(text: str) -> str:
    return f"{clean(text.replace('_', ' ')) or 'nothing'}."
