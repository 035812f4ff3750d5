"""What the sandbox calls instead of speaking, told by the caller's words.

- "goodbye", "hang up": end_call
- "put me through to sales", "a person, please": transfer_call, to whom it fits best
- "auf Deutsch, bitte", "do you speak French?": switch_language
- "let me type my PIN": ask_for_keys
- what shares a word with a tool's name ("look up my order 42"): that tool

Only what is offered is called; everything else is small talk as ever.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bots.sandbox.api_requests import Function
from bots.sandbox.conversation import Conversation, clean, name, plain, stems
from bots.sandbox.languages import asked_for, language
from bots.sandbox.small_talk import Fault, misbehaviour
from bots.sandbox.tool_arguments import fill

PARTING = (
    r"\b(?:bye|goodbye|hang up|auf wieder(?:hören|sehen)|tschüss|au revoir|adiós"
    r"|arrivederci|tot ziens)\b"
)
TYPING = r"\b(?:type|enter|key in|dial)\b.*\b(?:pin|code|password|number|digits|keys)\b"
HIDDEN = r"\b(?:pin|code|password|secret)\b"
LENGTH = r"\b(\d{1,2}) (?:digits?|keys|numbers)\b"
PERSON = (
    r"\b(?:put me through|connect me|transfer me|speak (?:to|with)|talk (?:to|with)"
    r"|a (?:real )?person|a human|somebody|someone|an operator)\b"
)
# Nearly every tool's name begins with one of these.
VERBS = frozenset(("look", "find", "chec", "list", "show", "send", "make", "crea"))
OWN = ("end_call", "transfer_call", "switch_language", "ask_for_keys")

Arguments = dict[str, Any]
PlannedCall = Callable[[Conversation, Function], Arguments | None]


@dataclass(frozen=True, slots=True)
class Call:
    """A function to be called; `arguments` are JSON, or what a caller asked for."""

    name: str
    arguments: str


def plan(messages: object, functions: Sequence[Function]) -> list[Call]:
    """What to call now; nothing where the caller is to be answered in words."""
    conversation = Conversation.of(messages)
    tools = [each for each in functions if each.name not in OWN]
    fault = misbehaviour(messages)
    if not functions or conversation.goes_on:
        return []
    if fault is Fault.ENDLESS_TOOLS:
        return [_anything(tools, conversation)]
    if conversation.results:
        return []
    match fault:
        case Fault.UNKNOWN_FUNCTION:
            return [Call("sing_a_song", "{}")]
        case Fault.BAD_ARGUMENTS:
            return [Call(_anything(tools, conversation).name, '["no object')]
    return _own(conversation, functions) or _tool(conversation, tools)


def _anything(tools: Sequence[Function], conversation: Conversation) -> Call:
    if not tools:
        return Call("sing_a_song", "{}")
    given = fill(tools[0].parameters, conversation.said) or {}
    return Call(tools[0].name, json.dumps(given))


def _own(conversation: Conversation, functions: Sequence[Function]) -> list[Call]:
    """What a bot is asked to do itself."""
    for function in functions:
        plan = _PLANS.get(function.name)
        given = plan(conversation, function) if plan else None
        if given is not None:
            return [Call(function.name, json.dumps(given, ensure_ascii=False))]
    return []


def _tool(conversation: Conversation, tools: Sequence[Function]) -> list[Call]:
    """The tool whose words the caller used most, where its arguments are known."""
    said = stems(conversation.said)
    fitting = [tool for tool in tools if said & (_named(tool) - VERBS)]
    fitting.sort(key=lambda tool: -len(said & (_named(tool) | stems(tool.description))))
    for tool in fitting:
        given = fill(tool.parameters, conversation.said)
        if given is not None:
            return [Call(tool.name, json.dumps(given, ensure_ascii=False))]
    return []


def _named(tool: Function) -> set[str]:
    return stems(tool.name.replace("_", " "))


def _end(conversation: Conversation, function: Function) -> Arguments | None:
    if not re.search(PARTING, plain(conversation.said)):
        return None
    spoken = language(conversation.language)
    bot = name(conversation.prompt)
    usual = f"Goodbye from {bot}, and thank you for calling."
    return {"goodbye": spoken.goodbye if spoken else usual}


def _transfer(conversation: Conversation, function: Function) -> Arguments | None:
    if not re.search(PERSON, plain(conversation.said)):
        return None
    people = function.choices("target")
    if not people:
        return None
    said = stems(conversation.said)

    def fits(person: str) -> int:
        when = re.search(rf"{re.escape(person)}: ([^.]*)", function.description)
        named = plain(person) in plain(conversation.said)
        return 100 * named + len(said & stems(f"{person} {when[1] if when else ''}"))

    earlier = [words for turn in conversation.caller[-3:] if (words := clean(turn, 20))]
    summary = f"The caller said: {'. '.join(earlier)}."
    return {"target": max(people, key=fits), "summary": summary}


def _language(conversation: Conversation, function: Function) -> Arguments | None:
    # The first is the one that is spoken.
    others = function.choices("language")[1:]
    wish = asked_for(plain(conversation.said), others)
    return {"language": wish} if wish else None


def _keys(conversation: Conversation, function: Function) -> Arguments | None:
    said = plain(conversation.said)
    if not re.search(TYPING, said):
        return None
    length, secret = re.search(LENGTH, said), bool(re.search(HIDDEN, said))
    if length and 1 <= int(length[1]) <= 20:
        question = f"Please type the {length[1]} digits now."
        given: Arguments = {"question": question, "length": int(length[1])}
    else:
        question = "Please type it now, and then the hash key."
        given = {"question": question, "last_key": "#"}
    return given | ({"secret": True} if secret else {})


_PLANS: dict[str, PlannedCall] = {
    "end_call": _end,
    "transfer_call": _transfer,
    "switch_language": _language,
    "ask_for_keys": _keys,
}
