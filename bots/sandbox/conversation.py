"""The messages of a chat request, reduced to what small talk needs."""

import re
from dataclasses import dataclass

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
# These begin instructions in a prompt; other sentences may be said to callers.
_ORDER = re.compile(
    r"(?:you|your|answer|ask|write|never|always|do|don't|keep|speak|when|use|be|if|say"
    r"|everything|avoid|please|reply|respond|remember|only|make|tell|greet)\b",
    re.IGNORECASE,
)
# Notes of the server beside the caller's words; the note on pressed keys stays.
_STAGE_DIRECTION = re.compile(
    r"\[(?:A noise|The caller|The line broke|What was said|That was said)[^\]]*\]\s*"
)
_SMALL_WORD = re.compile(
    r"about|again|asked|been|call|could|does|from|have|know|like|much|need|please|tell"
    r"|than|that|their|them|then|there|they|this|want|were|what|when|where|which|will"
    r"|with|would|your"
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The prompt, and what each side has said so far.

    `results` are those of the latest tool calls, until somebody speaks.
    """

    prompt: str
    caller: list[str]
    bot: list[str]
    results: list[str]

    @classmethod
    def of(cls, messages: object) -> "Conversation":
        """Read messages of any shape; malformed ones are left out."""
        texts: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
        results: list[str] = []
        for message in messages if isinstance(messages, list) else []:
            if not isinstance(message, dict):
                continue
            role, text = str(message.get("role")), _text(message.get("content"))
            role = "system" if role == "developer" else role
            results = [*results, text] if role == "tool" else []
            if role in texts and (text or not message.get("tool_calls")):
                texts[role].append(_STAGE_DIRECTION.sub("", text))
        prompt = "\n".join(texts["system"])
        return cls(prompt, texts["user"], texts["assistant"], results)

    @property
    def said(self) -> str:
        """The caller's last words."""
        return self.caller[-1] if self.caller else ""


def _text(content: object) -> str:
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def clean(text: str, words: int = 40) -> str:
    """The first `words` words, without signs that cannot be read aloud."""
    text = text.replace("’", "'")  # noqa: RUF001
    speakable = "".join(c if c.isalnum() or c in "',.:;!?$%&@+-" else " " for c in text)
    spoken = [word for word in speakable.split() if any(c.isalnum() for c in word)]
    return " ".join(spoken[:words]).strip(" ,.:;!?-")


def plain(text: str) -> str:
    """Lower-case words only, for matching patterns."""
    return " ".join(re.sub(r"[^\w'\s]|_", " ", clean(text).lower()).split())


def gist(text: str) -> str:
    """The caller's words as one repeats them: "your order" for "my order"."""
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
    """The bot's role by the prompt's "You are …"; empty if there is none."""
    found = re.search(
        r"\b(?:you are|you're|act as|your name is)\s+([^.!?\n]+)", prompt, re.IGNORECASE
    )
    return gist(found[1]) if found else ""


def name(prompt: str) -> str:
    """The bot's name for itself: "Ada", or "your friendly assistant"."""
    bot = role(prompt)
    proper = re.match(r"(?!(?:An?|The)\b)[A-Z][\w'-]*(?: [A-Z][\w'-]*)*", bot)
    if proper:
        return proper[0]
    short = re.sub(r"^(?:an?|the|my|our)\s+", "", bot, flags=re.IGNORECASE)
    short = re.split(r",|\b(?:who|that|for|of|at|in|on|and|from|\w+ing)\b", short)[0]
    return f"your {short.strip()}" if short.strip() else "the sandbox"


def fact(prompt: str, question: str) -> str:
    """The prompt's sentence that shares most words with the question, or empty."""
    asked = stems(question)
    lines = re.split(r"(?<=[.!?])\s+|\n+", prompt)
    facts = [line.lstrip("-*# ") for line in lines]
    facts = [line for line in facts if clean(line) and not _ORDER.match(line)]
    best = max(facts, key=lambda line: len(asked & stems(line)), default="")
    return clean(best) if asked & stems(best) else ""


def stems(text: str) -> set[str]:
    """Beginnings of significant words; all words for opening hours count as one."""
    words = [
        w for w in plain(text).split() if len(w) > 3 and not _SMALL_WORD.fullmatch(w)
    ]
    found = {word[:4] for word in words}
    if any(word.startswith(("open", "clos", "hour")) for word in words):
        found.add("open")
    return found
