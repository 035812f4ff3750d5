"""What the sandbox answers: small talk that shows it heard the caller, and no model.

A caller can also ask it to misbehave, so that failures can be tried by voice:

- "sandbox error 500": the request fails with HTTP 500
- "sandbox error in stream": an error arrives after the first spoken sentence
- "sandbox no audio": the text arrives, the audio does not
- "sandbox silence": nothing arrives until the line is dropped
- "sandbox slow": the first word takes three seconds

and, where the bot is offered functions (see `bots.sandbox.tool_choice`):

- "sandbox bad arguments": a function is called with arguments that are no JSON
- "sandbox unknown function": a function is called that does not exist
- "sandbox endless tools": a function is called again and again, until that is forbidden
"""

import re
from collections.abc import Callable
from enum import StrEnum

from bots.sandbox.conversation import Conversation, clean, fact, gist, name, plain, role
from bots.sandbox.languages import language
from bots.sandbox.tool_results import told

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
NUMBERS = (
    "One, two, three, four, five. Six, seven, eight, nine, ten. Eleven, twelve, "
    "thirteen, fourteen, fifteen. Sixteen, seventeen, eighteen, nineteen, twenty."
)


class Fault(StrEnum):
    """What a caller can say to try out a failure."""

    ERROR = "sandbox error 500"
    ERROR_IN_STREAM = "sandbox error in stream"
    NO_AUDIO = "sandbox no audio"
    SILENCE = "sandbox silence"
    SLOW = "sandbox slow"
    BAD_ARGUMENTS = "sandbox bad arguments"
    UNKNOWN_FUNCTION = "sandbox unknown function"
    ENDLESS_TOOLS = "sandbox endless tools"


def misbehaviour(messages: object) -> Fault | None:
    """The failure that the caller's last words ask for, if they do."""
    said = plain(Conversation.of(messages).said).replace("five hundred", "500")
    return next((kind for kind in Fault if kind in said), None)


def reply(messages: object) -> str:
    """The answer to a chat request's messages: speakable, the same every time."""
    conversation = Conversation.of(messages)
    if conversation.results:
        return told(conversation)
    if conversation.goes_on and not conversation.said.strip():
        return _go_on(conversation)
    if spoken := language(conversation.language):
        said = clean(conversation.said)
        return f"{spoken.repeat}: {said}." if said else spoken.welcome
    return _answer(conversation)


def _answer(conversation: Conversation) -> str:
    said = plain(conversation.said)
    for pattern, answer in _ANSWERS:
        match = re.search(pattern, said)
        text = answer(conversation, match) if match else ""
        if text:
            return text
    return _repeat_the_gist(conversation)


def _go_on(conversation: Conversation) -> str:
    """The rest of the answer that was cut off, as far as it can be told."""
    caller, bot = conversation.caller[:-1], conversation.bot
    if plain(caller[-1] if caller else ""):
        before = Conversation(conversation.prompt, caller, bot[:-1])
        if rest := _rest(_answer(before), bot[-1] if bot else ""):
            return rest
    return "What can I do for you?"


def _rest(text: str, heard: str) -> str:
    """What comes after the words heard; the last of them may be half a word."""
    words = re.findall(r"\S+\s*", text)
    same = 0
    for word, spoken in zip(words, heard.split(), strict=False):
        if word.strip() != spoken:
            break
        same += 1
    return "".join(words[same:]) if same else ""


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
        heard = f"You asked about {subject[1]}."
    elif "?" in conversation.said:
        heard = f"You asked: {said}?"
    elif said.startswith("you "):
        heard = f"You said that {said}."
    else:
        heard = f"You said: {said}."
    endings = (
        "has noted it. What else can I do for you?",
        "is listening. What comes next?",
        "has written it down. Anything else?",
    )
    ending = endings[(len(conversation.caller) - 1) % len(endings)]
    return f"{heard} {_upper(name(conversation.prompt))} {ending}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _greet(conversation: Conversation, match: re.Match[str]) -> str:
    who = role(conversation.prompt) or "the sandbox, and no real model"
    return f"Hello, I am {who}. What can I do for you?"


def _not_heard(conversation: Conversation, match: re.Match[str]) -> str:
    if not conversation.caller:
        return _greet(conversation, match)
    return "I did not catch that. Could you say it again?"


def _introduce(conversation: Conversation, match: re.Match[str]) -> str:
    who = role(conversation.prompt) or "the sandbox"
    return f"I am {who}. To be honest, this is a sandbox with no real model behind it."


def _earlier_turns(conversation: Conversation, match: re.Match[str]) -> str:
    earlier = [clean(turn, 14) for turn in conversation.caller[-4:-1]]
    heard = [turn for turn in earlier if turn]
    if not heard:
        return "That was the first thing you said."
    first, *rest = heard
    return " ".join([f"You said: {first}.", *(f"Then: {turn}." for turn in rest)])


def _how_often(conversation: Conversation, match: re.Match[str]) -> str:
    phrase, earlier = match[1], conversation.caller[:-1]
    count = sum(phrase in plain(turn) for turn in earlier) if phrase else 0
    if count:
        return f"You said {phrase} {_times(count)}."
    return f"You have spoken {_times(len(conversation.caller))} so far."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _say_again(conversation: Conversation, match: re.Match[str]) -> str:
    before = clean(conversation.bot[-1]) if conversation.bot else ""
    return f"I said: {before}." if before else "I have not said anything yet."


def _meet(conversation: Conversation, match: re.Match[str]) -> str:
    return f"Nice to meet you, {match[1].title()}. What can I do for you?"


def _callers_name(conversation: Conversation, match: re.Match[str]) -> str:
    for turn in reversed(conversation.caller):
        if told := re.search(r"\bmy name is (\w+)", plain(turn)):
            return f"Your name is {told[1].title()}."
    return "You have not told me your name yet."


def _from_the_prompt(conversation: Conversation, match: re.Match[str]) -> str:
    known = fact(conversation.prompt, conversation.said)
    return f"{_upper(known)}." if known else ""


def _keys(conversation: Conversation, match: re.Match[str]) -> str:
    keys = re.findall(r"[\d*#]", conversation.said)
    spoken = [{"*": "star", "#": "hash"}.get(key, key) for key in keys]
    return f"You pressed {', '.join(spoken)}. Thank you." if spoken else ""


def _number(conversation: Conversation, match: re.Match[str]) -> str:
    return f"I heard the number {' '.join(match[0].replace(' ', ''))}. Is that right?"


def _farewell(conversation: Conversation, match: re.Match[str]) -> str:
    return f"Goodbye from {name(conversation.prompt)}, and thank you for calling."


def _always(text: str) -> "Answer":
    return lambda conversation, match: text


Answer = Callable[[Conversation, re.Match[str]], str]

# The first pattern found in the caller's words whose answer is not empty wins.
_ANSWERS: list[tuple[str, Answer]] = [
    (r"^$", _not_heard),
    (
        r"\b(?:what|which)\b.*\b(?:did|have) i (?:just )?(?:say|said|ask|tell)",
        _earlier_turns,
    ),
    (r"\bhow (?:many times|often) (?:did|have) i \w+ ?(.*)", _how_often),
    (r"\b(?:what did you (?:just )?say|again please|repeat|pardon)\b", _say_again),
    (r"\bsay (?:that|it) again\b", _say_again),
    (r"\b(?:what is|what's|know|remember) my name\b|\bwho am i$", _callers_name),
    (r"\bmy name is (\w+)", _meet),
    (r"\bstory\b|\bstories\b|^long\b|\blong (?:answer|reply|text)\b", _always(STORY)),
    (r"\bsomething long\b|\bfor a (?:long )?while\b", _always(STORY)),
    (r"\bcount (?:to|up|from)\b|^count$", _always(NUMBERS)),
    (r"\bwho are you\b|\byour name\b|\bare you (?:a|an|real)\b", _introduce),
    (r"\b(?:who|what|when|where|which|how|do|are|is|about|tell)\b", _from_the_prompt),
    (
        r"\bopen(?:ing)?\b|\bclos(?:e|ing)\b|\bhours\b",
        _always("Nobody told me the opening hours."),
    ),
    (
        r"\bwhat time\b|\bthe time\b|\bwhat day\b",
        _always("I have no clock here, sorry."),
    ),
    (r"\b(?:bye|goodbye|hang up|that's all|that is all)\b", _farewell),
    (r"\bthank(?:s| you)\b", _always("You are welcome. Is there anything else?")),
    (r"\bhow are you\b", _always("I am well, thank you. How can I help you?")),
    (
        r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day))\b(?: \S+){0,3}$",
        _greet,
    ),
    (r"\bpress(?:ed)?\b|\bkeys?\b", _keys),
    (
        r"^(?:yes|yeah|sure|correct|okay|ok)\b(?: \S+){0,2}$",
        _always("Good, yes it is. What comes next?"),
    ),
    (
        r"^(?:no|nope|not really)\b(?: \S+){0,2}$",
        _always("All right, no it is. Anything else?"),
    ),
    (r"^\d[\d ]*$", _number),
]
