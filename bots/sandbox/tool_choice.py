"""Chooses the tool that the caller's words ask for.

- "goodbye", "hang up": end_call
- "put me through to sales", "a person, please": transfer_call to the best match
- "let me type my PIN": ask_for_keys
- words shared with a tool's name ("look up my order 42"): that tool

Only tools that the request offers are called; everything else is small talk.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bots.sandbox.api_requests import Function
from bots.sandbox.conversation import Conversation, clean, name, plain, stems
from bots.sandbox.tool_arguments import fill

GOODBYE = r"\b(?:bye|goodbye|hang up)\b"
TYPING = r"\b(?:type|enter|key in|dial)\b.*\b(?:pin|code|password|number|digits|keys)\b"
MASKED = r"\b(?:pin|code|password|secret)\b"
LENGTH = r"\b(\d{1,2}) (?:digits?|keys|numbers)\b"
PERSON = (
    r"\b(?:put me through|connect me|transfer me|speak (?:to|with)|talk (?:to|with)"
    r"|a (?:real )?person|a human|somebody|someone|an operator)\b"
)
# Nearly every tool's name begins with one of these.
VERBS = frozenset(("look", "find", "chec", "list", "show", "send", "make", "crea"))
BUILTIN = ("end_call", "transfer_call", "switch_language", "ask_for_keys")

Arguments = dict[str, Any]
Plan = Callable[[Conversation, Function], Arguments | None]


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A function to call; `arguments` are JSON."""

    name: str
    arguments: str


def plan(messages: object, functions: Sequence[Function]) -> list[PlannedCall]:
    """The functions to call now; empty if the caller is to be answered in words."""
    conversation = Conversation.of(messages)
    if conversation.results:
        return []
    return _builtin(conversation, functions) or _tool(conversation, functions)


def _builtin(
    conversation: Conversation, functions: Sequence[Function]
) -> list[PlannedCall]:
    for function in functions:
        fill_in = _PLANS.get(function.name)
        arguments = fill_in(conversation, function) if fill_in else None
        if arguments is not None:
            return [_call(function, arguments)]
    return []


def _tool(
    conversation: Conversation, functions: Sequence[Function]
) -> list[PlannedCall]:
    """The tool whose words the caller used most, if its arguments are known."""
    said = stems(conversation.said)
    matches = [
        tool
        for tool in functions
        if tool.name not in BUILTIN and said & (_named(tool) - VERBS)
    ]
    matches.sort(key=lambda tool: -len(said & (_named(tool) | stems(tool.description))))
    for tool in matches:
        arguments = fill(tool.parameters, conversation.said)
        if arguments is not None:
            return [_call(tool, arguments)]
    return []


def _call(function: Function, arguments: Arguments) -> PlannedCall:
    return PlannedCall(function.name, json.dumps(arguments, ensure_ascii=False))


def _named(tool: Function) -> set[str]:
    return stems(tool.name.replace("_", " "))


def _end(conversation: Conversation, function: Function) -> Arguments | None:
    if not re.search(GOODBYE, plain(conversation.said)):
        return None
    bot = name(conversation.prompt)
    return {"goodbye": f"Goodbye from {bot}, and thank you for calling."}


def _transfer(conversation: Conversation, function: Function) -> Arguments | None:
    targets = function.choices("target")
    if not targets or not re.search(PERSON, plain(conversation.said)):
        return None
    said = stems(conversation.said)

    def match(target: str) -> int:
        when = re.search(rf"{re.escape(target)}: ([^.]*)", function.description)
        is_named = plain(target) in plain(conversation.said)
        shared = said & stems(f"{target} {when[1] if when else ''}")
        return 100 * is_named + len(shared)

    latest = [words for turn in conversation.caller[-3:] if (words := clean(turn, 20))]
    summary = f"The caller said: {'. '.join(latest)}."
    return {"target": max(targets, key=match), "summary": summary}


def _digits(conversation: Conversation, function: Function) -> Arguments | None:
    said = plain(conversation.said)
    if not re.search(TYPING, said):
        return None
    length, secret = re.search(LENGTH, said), bool(re.search(MASKED, said))
    if length and 1 <= int(length[1]) <= 20:
        question = f"Please type the {length[1]} digits now."
        arguments: Arguments = {"question": question, "length": int(length[1])}
    else:
        question = "Please type it now, and then the hash key."
        arguments = {"question": question, "last_key": "#"}
    return arguments | ({"secret": True} if secret else {})


_PLANS: dict[str, Plan] = {
    "end_call": _end,
    "transfer_call": _transfer,
    "ask_for_keys": _digits,
}
