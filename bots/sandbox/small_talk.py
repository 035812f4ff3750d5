"""The sandbox's side of a conversation: English small talk, and no model behind it."""

import re
from collections.abc import Callable

from bots.sandbox.conversation import Conversation, clean, fact, gist, name, plain, role
from bots.sandbox.tool_results import summarised

STORY = (
    "Once upon a time there was a small telephone that lived in the hall of a big "
    "house. Every morning it waited for somebody to call. On Monday a baker rang and "
    "ordered flour by mistake. On Tuesday a captain asked the way to the sea. On "
    "Wednesday nobody called at all, and the telephone counted the ticks of the clock. "
    "On Thursday a child wanted to know whether telephones dream. The telephone "
    "thought about it for a long while. On Friday it rang back and said that it did. "
    "It dreamt of voices, near and far, that all began with hello. And since that day "
    "it has never minded waiting. That was the story."
)


def reply(messages: object) -> str:
    """The answer to a chat request's messages: speakable, the same every time."""
    conversation = Conversation.of(messages)
    if conversation.results:
        return summarised(conversation.results)
    said = plain(conversation.said)
    for pattern, answer in _ANSWERS:
        match = re.search(pattern, said)
        if match and (text := answer(conversation, match)):
            return text
    return _repeat_the_gist(conversation)


def sentences(text: str) -> list[str]:
    """The text cut after each sentence; joined, the pieces are the text again."""
    return re.findall(r".+?(?:[.!?]+(?:\s+|$)|$)", text, re.DOTALL)


def shorten(text: str, max_tokens: int) -> tuple[str, bool]:
    """The text within about so many tokens, and whether anything was cut off."""
    words = re.findall(r"\S+\s*", text)
    # Four tokens are about three words.
    allowed = max(1, max_tokens * 3 // 4)
    return "".join(words[:allowed]).rstrip(), allowed < len(words)


def _repeat_the_gist(conversation: Conversation) -> str:
    said = gist(conversation.said)
    if subject := re.search(r"\babout (.+)", said):
        repeated = f"You asked about {subject[1]}."
    elif "?" in conversation.said:
        repeated = f"You asked: {said}?"
    elif said.startswith("you "):
        repeated = f"You said that {said}."
    else:
        repeated = f"You said: {said}."
    endings = (
        "has noted it. What else can I do for you?",
        "is listening. What comes next?",
        "has written it down. Anything else?",
    )
    ending = endings[(len(conversation.caller) - 1) % len(endings)]
    return f"{repeated} {_capitalised(name(conversation.prompt))} {ending}"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _greet(conversation: Conversation, match: re.Match[str]) -> str:
    bot = role(conversation.prompt) or "the sandbox, and no real model"
    return f"Hello, I am {bot}. What can I do for you?"


def _not_heard(conversation: Conversation, match: re.Match[str]) -> str:
    if not conversation.caller:
        return _greet(conversation, match)
    return "I did not catch that. Could you say it again?"


def _introduce(conversation: Conversation, match: re.Match[str]) -> str:
    bot = role(conversation.prompt) or "the sandbox"
    return f"I am {bot}. To be honest, this is a sandbox with no real model behind it."


def _say_again(conversation: Conversation, match: re.Match[str]) -> str:
    before = clean(conversation.bot[-1]) if conversation.bot else ""
    return f"I said: {before}." if before else "I have not said anything yet."


def _meet(conversation: Conversation, match: re.Match[str]) -> str:
    return f"Nice to meet you, {match[1].title()}. What can I do for you?"


def _callers_name(conversation: Conversation, match: re.Match[str]) -> str:
    for turn in reversed(conversation.caller):
        if given := re.search(r"\bmy name is (\w+)", plain(turn)):
            return f"Your name is {given[1].title()}."
    return "You have not told me your name yet."


def _from_the_prompt(conversation: Conversation, match: re.Match[str]) -> str:
    sentence = fact(conversation.prompt, conversation.said)
    return f"{_capitalised(sentence)}." if sentence else ""


def _digits(conversation: Conversation, match: re.Match[str]) -> str:
    digits = re.findall(r"[\d*#]", conversation.said)
    spoken = [{"*": "star", "#": "hash"}.get(digit, digit) for digit in digits]
    return f"You pressed {', '.join(spoken)}. Thank you." if spoken else ""


def _goodbye(conversation: Conversation, match: re.Match[str]) -> str:
    return f"Goodbye from {name(conversation.prompt)}, and thank you for calling."


def _always(text: str) -> "Answer":
    return lambda conversation, match: text


Answer = Callable[[Conversation, re.Match[str]], str]

# The first pattern found in the caller's words whose answer is not empty wins.
_ANSWERS: list[tuple[str, Answer]] = [
    (r"^$", _not_heard),
    (r"\b(?:what did you (?:just )?say|again please|repeat|pardon)\b", _say_again),
    (r"\bsay (?:that|it) again\b", _say_again),
    (r"\b(?:what is|what's|know|remember) my name\b|\bwho am i$", _callers_name),
    (r"\bmy name is (\w+)", _meet),
    (r"\bstory\b|\bstories\b|\blong (?:answer|reply|text)\b", _always(STORY)),
    (r"\bwho are you\b|\byour name\b|\bare you (?:a|an|real)\b", _introduce),
    (r"\b(?:who|what|when|where|which|how|do|are|is|about|tell)\b", _from_the_prompt),
    (
        r"\bopen(?:ing)?\b|\bclos(?:e|ing)\b|\bhours\b",
        _always("Nobody told me the opening hours."),
    ),
    (r"\b(?:bye|goodbye|hang up|that's all|that is all)\b", _goodbye),
    (r"\bthank(?:s| you)\b", _always("You are welcome. Is there anything else?")),
    (r"\bhow are you\b", _always("I am well, thank you. How can I help you?")),
    (
        r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day))\b(?: \S+){0,3}$",
        _greet,
    ),
    (r"\bpress(?:ed)?\b|\bkeys?\b", _digits),
    (
        r"^(?:yes|yeah|sure|correct|okay|ok)\b(?: \S+){0,2}$",
        _always("Good, yes it is. What comes next?"),
    ),
    (
        r"^(?:no|nope|not really)\b(?: \S+){0,2}$",
        _always("All right, no it is. Anything else?"),
    ),
]
