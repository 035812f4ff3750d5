"""Turns of a call as chat messages for the model. Pure.

The model reads what the caller heard, not what it wrote.
"""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from bots.config.text import read_json
from calls.turns.turn import ToolCallRecord, Turn, TurnKind

Message = dict[str, Any]

# Some providers refuse a history that starts with the assistant.
CONNECTED = "[The caller is on the line.]"
CUT_OFF = "[The caller cut you off there and heard nothing after it.]"
RECONNECTED = (
    "[The line broke there for a moment. The caller heard nothing after that, and has "
    "just been told so; do not greet again.]"
)
CONTINUE = "[A noise cut you off there. Go on with the rest, without a word about it.]"
# After words that an operator had the bot say while it waited for a tool.
GO_AHEAD = "[That was said meanwhile. Now tell the caller the rest.]"
# The result of a tool call that was cancelled.
NO_RESULT = "No answer came."
OMITTED = "[What was said after that is left out here.]"
# Characters that providers refuse in the name of a function; a model may use them.
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
MAX_NAME_LENGTH = 64
# Names of Inworld's routers, which choose a model themselves.
ROUTER = re.compile(r"inworld/(?!models/)")
# About ten thousand words, in characters. A longer history costs more than it helps,
# and every model has a limit.
MAX_HISTORY_LENGTH = 60_000


def messages(
    system_prompt: str,
    turns: Iterable[Turn],
    model: str = "",
    *,
    continues: bool = False,
) -> list[Message]:
    """Return the system prompt, then user and assistant in strict alternation.

    Tool calls with their results may stand between a question and its answer. They
    have the fields that their provider needs back, if `model` is one of its own.
    Backchannels and unheard speech are omitted; neighbours of one role are joined.
    With `continues` the model is asked for the rest of its interrupted reply. Long
    calls are shortened: the greeting stays, the oldest exchanges after it go.
    """
    history = _HistoryBuilder(system_prompt, model)
    for turn in turns:
        history.add(turn)
    if continues:
        history.append("user", CONTINUE)
    return _shortened(history.messages)


class _HistoryBuilder:
    """Adds one turn after the other to a list of messages."""

    def __init__(self, system_prompt: str, model: str) -> None:
        self.model = model
        self.messages: list[Message] = [{"role": "system", "content": system_prompt}]
        self.was_interrupted = False  # the bot, in the turn before
        self.batch = 0  # of the tool call before

    def add(self, turn: Turn) -> None:
        if turn.kind is TurnKind.RESUMED:
            self.append("user", RECONNECTED)
            self.was_interrupted = False
        elif turn.tool_call:
            self._add_tool_call(turn.tool_call)
            self.was_interrupted, self.batch = False, turn.tool_call.batch
        elif turn.is_backchannel:
            return
        elif turn.role == "caller" and turn.text:
            self._add_caller_turn(turn)
        elif turn.role == "bot" and turn.heard_text:
            self._add_bot_turn(turn)

    def _add_caller_turn(self, turn: Turn) -> None:
        self.batch = 0
        prefix = f"{CUT_OFF} " if self.was_interrupted else ""
        self.append("user", f"{prefix}{turn.text}")
        self.was_interrupted = False

    def _add_bot_turn(self, turn: Turn) -> None:
        if (
            turn.kind is TurnKind.DIGIT_PROMPT
        ):  # the model knows it from the arguments of its tool
            return
        if turn.kind is TurnKind.TRANSFER_NOTICE:
            self._add_to_tool_call(turn.heard_text)
            return
        self.batch = 0
        self._connect()
        self.append("assistant", turn.heard_text)
        self.was_interrupted = turn.interrupted

    def _add_tool_call(self, record: ToolCallRecord) -> None:
        self._connect()
        own = is_same_maker(record.model, self.model)
        call = _function_call(record, record.provider_fields if own else {})
        latest = next(m for m in reversed(self.messages) if m["role"] != "tool")
        if record.batch == self.batch and "tool_calls" in latest:
            latest["tool_calls"].append(call)
        elif self.messages[-1]["role"] == "assistant":
            latest["tool_calls"] = [call]  # its text was said before the call
        else:
            latest = {"role": "assistant", "content": None, "tool_calls": [call]}
            self.messages.append(latest)
        latest.update(record.reasoning if own else {})
        result = {"role": "tool", "tool_call_id": call["id"]}
        self.messages.append({**result, "content": record.result or NO_RESULT})

    def _add_to_tool_call(self, text: str) -> None:
        """Add what was said before the result of the latest tool was known."""
        call = next(m for m in reversed(self.messages) if m["role"] == "assistant")
        call["content"] = " ".join(filter(None, (call["content"], text)))

    def _connect(self) -> None:
        """Have the history begin with the user."""
        if len(self.messages) == 1:
            self.append("user", CONNECTED)

    def append(self, role: str, content: str) -> None:
        if self.messages[-1]["role"] == role:
            content = f"{self.messages.pop()['content']} {content}"
        self.messages.append({"role": role, "content": content})


def id_for_providers(call_id: str) -> str:
    """An id that every provider takes, also one that another provider made.

    Mistral takes nine letters and digits and nothing else, which suits all others.
    """
    return sha256(call_id.encode(errors="replace")).hexdigest()[:9]


def _function_call(
    record: ToolCallRecord, provider_fields: Mapping[str, Any]
) -> Message:
    name = NOT_IN_NAMES.sub("_", record.name)[:MAX_NAME_LENGTH]
    function = {"name": name, "arguments": _json_object(record.arguments)}
    more = {**provider_fields}
    return {
        "id": id_for_providers(record.call_id),
        "type": "function",
        "function": {**more.pop("function", {}), **function},
        **more,
    }


def is_same_maker(model: str, other: str) -> bool:
    """True if two models are of one family, as far as their names tell.

    A router may choose any model.
    """
    if other == "auto" or ROUTER.match(other):
        return True
    return not model or _family(model) == _family(other)


def _family(model: str) -> str:
    """The first word of a name: gemini of google-ai-studio/gemini-3-flash."""
    name = model.rpartition("/")[2].lower()
    return re.split(r"[^a-z]", name, maxsplit=1)[0] or name


def _shortened(history: list[Message]) -> list[Message]:
    """Limit a history to `MAX_HISTORY_LENGTH` beside the system prompt."""
    if sum(map(_length, history[1:])) <= MAX_HISTORY_LENGTH:
        return history
    has_greeting = history[1]["content"] == CONNECTED
    start = 3 if has_greeting else 1
    while start < len(history) and history[start]["role"] == "tool":
        start += 1
    rest = history[start:]
    while sum(map(_length, rest)) > MAX_HISTORY_LENGTH and (
        shorter := _without_first_exchange(rest)
    ):
        rest = shorter
    for message in rest:
        message["content"] = (message["content"] or "")[-MAX_HISTORY_LENGTH // 2 :]
    if rest and rest[0]["role"] == "user":
        rest[0]["content"] = f"{OMITTED} {rest[0]['content']}"
    return [*history[:start], *rest]


def _without_first_exchange(history: list[Message]) -> list[Message]:
    """Return what begins with the next words of the caller; empty if there are none.

    So an answer never stands without its question, nor a result without its tool call.
    """
    for place, message in enumerate(history):
        if place and message["role"] == "user":
            return history[place:]
    return []


def _length(message: Message) -> int:
    calls = message.get("tool_calls", ())
    return len(message["content"] or "") + sum(len(json.dumps(call)) for call in calls)


def _json_object(arguments: str) -> str:
    """Return arguments as a JSON object; providers refuse everything else."""
    value = read_json(arguments)
    if not isinstance(value, dict):
        return "{}"
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):  # a number such as 1e999
        return "{}"
