"""Words that the sandbox makes of what its calls came to."""

import json
import re

from bots.config.placeholders import flatten
from bots.sandbox.conversation import Conversation, clean
from bots.sandbox.languages import ENGLISH_WELCOME, language

MAX_FACTS = 6
# How the server introduces what others wrote.
_INTRODUCTION = re.compile(r"^Answer of the tool[^:]*:\s*")
_FAILED = re.compile(r"^The tool failed:?\s*")


def told(conversation: Conversation) -> str:
    """An answer made of the results of the latest calls."""
    said = [_told(conversation, *result) for result in conversation.results]
    return " ".join(dict.fromkeys(said))


def _told(conversation: Conversation, function: str, result: str) -> str:
    spoken = language(conversation.language)
    if function == "switch_language" and "now speak" in result:
        return spoken.welcome if spoken else ENGLISH_WELCOME
    if keys := re.search(r"pressed ([\d*# ]+)", result):
        count = len(keys[1].split())
        return f"Thank you, I have your {count} {'key' if count == 1 else 'keys'}."
    if _FAILED.match(result):
        if spoken:
            return spoken.failed
        # What follows is for the model: what to do now, and the server's own words.
        why = _FAILED.sub("", result).partition(". ")[0]
        return f"I am sorry, that did not work. {clean(why, 12) or 'It failed'}."
    answer = _INTRODUCTION.sub("", result)
    if answer == result:
        return spoken.failed if spoken else f"I was told: {_sentence(result)}"
    found = spoken.found if spoken else "Here is what I found"
    return f"{found}: {_facts(answer)}"


def _facts(answer: str) -> str:
    """An answer as one can read it aloud: the first values of JSON, or its words."""
    try:
        facts = flatten(json.loads(answer))
    except (ValueError, RecursionError):
        facts = {}
    pairs = [f"{name} {value}" for name, value in list(facts.items())[:MAX_FACTS]]
    return _sentence(", ".join(pairs) or answer)


def _sentence(text: str) -> str:
    return f"{clean(text.replace('_', ' ')) or 'nothing'}."
