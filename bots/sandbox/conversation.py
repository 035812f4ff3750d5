"""What a chat request's messages say, boiled down to what small talk needs."""

import json
import re
from dataclasses import dataclass
from typing import Any

GIST_WORDS = 14

_SWAPPED = {
    "i": "you",
    "i'm": "you are",
    "i'd": "you would",
    "i've": "you have",
    "i'll": "you will",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "you": "I",
    "you're": "I am",
    "you've": "I have",
    "you'll": "I will",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
}
_LEAD_IN = re.compile(
    r"^(?:(?:please|well|so|um|uh|hi|hello|hey|ok|okay|yes|and|but)\b[,.!]?\s*"
    r"|(?:can|could|would|will) you (?:please )?tell me\s+"
    r"|i(?:'d| would) like to (?:know|ask)\s+"
    r"|i (?:want|wanted|need) to (?:know|ask)\s+)+",
    re.IGNORECASE,
)
# In a prompt these begin orders to the model; the rest is what it may tell callers.
_ORDER = re.compile(
    r"(?:you|your|answer|ask|write|never|always|do|don't|keep|speak|when|use|be|if|say"
    r"|everything|avoid|please|reply|respond|remember|only|make|tell|greet)\b",
    re.IGNORECASE,
)
# What the server tells the model beside the caller's words; pressed keys are words.
_STAGE_DIRECTION = re.compile(
    r"\[(?:The caller|A noise|The line broke|What was said)[^\]]*\]\s*"
)
# Nobody spoke: the bot was cut off by a noise and is to say the rest.
_GO_ON = re.compile(r"\[A noise cut you off[^\]]*\]\s*$")
_SMALL_WORD = re.compile(
    r"about|again|asked|been|call|could|does|from|have|know|like|much|need|please|tell"
    r"|than|that|their|them|then|there|they|this|want|were|what|when|where|which|will"
    r"|with|would|your"
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the prompt tells the bot, and what each side has said so far.

    `results` are what the latest calls came to, each with its function's name, while
    nobody has spoken since; `language` is the one that was changed to, if any was.
    """

    prompt: str
    caller: list[str]
    bot: list[str]
    goes_on: bool = False
    results: tuple[tuple[str, str], ...] = ()
    language: str = ""

    @classmethod
    def of(cls, messages: object) -> "Conversation":
        """Read messages of any shape; what makes no sense is not heard."""
        listed = messages if isinstance(messages, list) else []
        heard = [message for message in listed if isinstance(message, dict)]
        texts: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
        goes_on = False
        for message in heard:
            role = str(message.get("role"))
            role = "system" if role == "developer" else role
            text = _text(message.get("content"))
            if role in texts and (text or not message.get("tool_calls")):
                goes_on = bool(_GO_ON.search(text)) and role == "user"
                texts[role].append(_STAGE_DIRECTION.sub("", text))
        prompt = "\n".join(texts["system"])
        uses = _uses(heard)
        about = tuple(_results(heard, uses)), _language(uses)
        return cls(prompt, texts["user"], texts["assistant"], goes_on, *about)

    @property
    def said(self) -> str:
        """The caller's last words."""
        return self.caller[-1] if self.caller else ""


def _uses(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The functions that were called, by the ids of the calls."""
    found: dict[str, dict[str, Any]] = {}
    for message in messages:
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                found[str(call.get("id"))] = function
    return found


def _results(
    messages: list[dict[str, Any]], uses: dict[str, dict[str, Any]]
) -> list[tuple[str, str]]:
    """What came of the calls at the end, with whose result it is."""
    results: list[tuple[str, str]] = []
    for message in messages:
        if message.get("role") != "tool":
            results = []
            continue
        used = uses.get(str(message.get("tool_call_id")), {})
        results.append((str(used.get("name", "")), _text(message.get("content"))))
    return results


def _language(uses: dict[str, dict[str, Any]]) -> str:
    language = ""
    for function in uses.values():
        if function.get("name") == "switch_language":
            try:
                given = json.loads(str(function.get("arguments")))
            except (ValueError, RecursionError):
                continue
            if isinstance(given, dict):
                language = str(given.get("language", ""))
    return language


def _text(content: object) -> str:
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def clean(text: str, words: int = 40) -> str:
    """The first so many words, with only what can be read aloud."""
    text = text.replace("’", "'")  # noqa: RUF001
    kept = "".join(c if c.isalnum() or c in "',.:;!?$%&@+-" else " " for c in text)
    spoken = [word for word in kept.split() if any(c.isalnum() for c in word)]
    return " ".join(spoken[:words]).strip(" ,.:;!?-")


def plain(text: str) -> str:
    """Lower case, words only: what the patterns of answers are matched against."""
    return " ".join(re.sub(r"[^\w'\s]|_", " ", clean(text).lower()).split())


def gist(text: str) -> str:
    """The caller's words turned round, as one repeats them: "your order", not "my"."""
    said = clean(text)
    words = (_LEAD_IN.sub("", said) or said).split()[:GIST_WORDS]
    turned = [_turned(word) for word in words]
    if len(turned) > 1 and turned[-1] == "I":
        turned[-1] = "me"
    return " ".join(turned).strip(" ,.:;!?-")


def _turned(word: str) -> str:
    bare = word.rstrip(",.:;!?")
    return _SWAPPED.get(bare.lower(), bare) + word[len(bare) :]


def role(prompt: str) -> str:
    """Who the prompt's "You are …" says the bot is; empty if it does not."""
    found = re.search(
        r"\b(?:you are|you're|act as|your name is)\s+([^.!?\n]+)", prompt, re.IGNORECASE
    )
    return gist(found[1]) if found else ""


def name(prompt: str) -> str:
    """What the bot calls itself: "Ada", or "your friendly assistant"."""
    who = role(prompt)
    proper = re.match(r"(?!(?:An?|The)\b)[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", who)
    if proper:
        return proper[0]
    short = re.sub(r"^(?:an?|the|my|our)\s+", "", who, flags=re.IGNORECASE)
    short = re.split(r",|\b(?:who|that|for|of|at|in|on|and|from|\w+ing)\b", short)[0]
    return f"your {short.strip()}" if short.strip() else "the sandbox"


def fact(prompt: str, question: str) -> str:
    """The sentence of the prompt that shares most with the question; empty if none."""
    asked = stems(question)
    lines = re.split(r"(?<=[.!?])\s+|\n+", prompt)
    facts = [line.lstrip("-*# ") for line in lines]
    facts = [line for line in facts if clean(line) and not _ORDER.match(line)]
    best = max(facts, key=lambda line: len(asked & stems(line)), default="")
    return clean(best) if asked & stems(best) else ""


def stems(text: str) -> set[str]:
    """Beginnings of the telling words; all words on opening hours count as one."""
    words = [
        w for w in plain(text).split() if len(w) > 3 and not _SMALL_WORD.fullmatch(w)
    ]
    found = {word[:4] for word in words}
    if any(word.startswith(("open", "clos", "hour")) for word in words):
        found.add("open")
    return found
