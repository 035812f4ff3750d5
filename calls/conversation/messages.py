"""The turns of a call as messages for the model: only what was heard, alternating."""

import json
import re
from collections.abc import Iterable
from typing import Any

from calls.turns.turn import ASKED, NOTICE, RESUMED, ToolCallRecord, Turn

Message = dict[str, Any]

# Some providers refuse a history that starts with the assistant.
CONNECTED = "[The caller is on the line.]"
CUT_OFF = "[The caller cut you off there and heard nothing after it.]"
RECONNECTED = (
    "[The line broke there for a moment. The caller heard nothing after that, and has "
    "just been told so; do not greet again.]"
)
CONTINUE = "[A noise cut you off there. Go on with the rest, without a word about it.]"
# Of a tool whose answer nobody waits for any more.
NO_RESULT = "No answer came."
OMITTED = "[What was said after that is left out here.]"
# What a provider takes for a function's name, of whatever a model has made up.
NO_SIGN_OF_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
MAX_NAME_LENGTH = 64
# Some ten thousand words: more costs more than it helps, and no model reads any length.
MAX_HISTORY_LENGTH = 60_000


def messages(
    system_prompt: str, turns: Iterable[Turn], *, go_on: bool = False
) -> list[Message]:
    """The system prompt, then user and assistant in strict alternation.

    Between a caller's words and the answer to them may stand uses of tools, each with
    its result. What the bot said and nobody heard is left out, as are asides;
    neighbours of one role are joined. `go_on` asks for the rest of a broken-off reply.
    Of a long call the oldest exchanges after the greeting are left out.
    """
    history: list[Message] = [{"role": "system", "content": system_prompt}]
    cut, batch = False, 0
    for turn in turns:
        if turn.model == RESUMED:
            _append(history, "user", RECONNECTED)
            cut = False
            continue
        if turn.tool_call:
            _use(history, turn.tool_call, batch)
            cut, batch = False, turn.tool_call.batch
            continue
        content = turn.text if turn.role == "caller" else turn.heard_text
        if not content or turn.is_backchannel or turn.role == "system":
            continue
        if turn.model == ASKED:  # the result has to follow its use at once
            continue
        if turn.model == NOTICE:
            _attach_tool_call(history, content)
            continue
        batch = 0
        if turn.role == "caller":
            _append(history, "user", f"{CUT_OFF} {content}" if cut else content)
            cut = False
        else:
            if len(history) == 1:
                _append(history, "user", CONNECTED)
            _append(history, "assistant", content)
            cut = turn.interrupted
    if go_on:
        _append(history, "user", CONTINUE)
    return _shortened(history)


def _shortened(history: list[Message]) -> list[Message]:
    """The same in `MOST_CHARACTERS` beside the system prompt."""
    greeted = len(history) > 1 and history[1]["content"] == CONNECTED
    begin = 3 if greeted else 1
    while begin < len(history) and history[begin]["role"] == "tool":
        begin += 1
    if sum(map(_length, history[1:])) <= MAX_HISTORY_LENGTH:
        return history
    kept = history[begin:]
    while sum(map(_length, kept)) > MAX_HISTORY_LENGTH and (
        rest := _without_first(kept)
    ):
        kept = rest
    for message in kept:
        message["content"] = (message["content"] or "")[-MAX_HISTORY_LENGTH // 2 :]
    if kept and kept[0]["role"] == "user":
        kept[0]["content"] = f"{OMITTED} {kept[0]['content']}"
    return [*history[:begin], *kept]


def _without_first(kept: list[Message]) -> list[Message]:
    """What begins with the next words of the caller; nothing where these are the last.

    An answer never stands without its question, nor a result without its tool.
    """
    later = (place for place, m in enumerate(kept) if place and m["role"] == "user")
    place = next(later, 0)
    return kept[place:] if place else []


def _length(message: Message) -> int:
    asked = (use["function"]["arguments"] for use in message.get("tool_calls", ()))
    return len(message["content"] or "") + sum(map(len, asked))


def _use(history: list[Message], tool: ToolCallRecord, batch: int) -> None:
    """Add the use of a tool and its result; `batch` is that of the turn before."""
    # A name that no function can have is refused with everything else.
    name = NO_SIGN_OF_A_NAME.sub("_", tool.name)[:MAX_NAME_LENGTH]
    function = {"name": name, "arguments": _object(tool.arguments)}
    asked = {"id": tool.call_id, "type": "function", "function": function}
    if len(history) == 1:
        _append(history, "user", CONNECTED)
    latest = next(m for m in reversed(history) if m["role"] != "tool")
    if tool.batch == batch and "tool_calls" in latest:
        latest["tool_calls"].append(asked)
    elif history[-1]["role"] == "assistant":
        latest["tool_calls"] = [asked]  # what it said came before
    else:
        history.append({"role": "assistant", "content": None, "tool_calls": [asked]})
    result = {"role": "tool", "tool_call_id": tool.call_id}
    history.append({**result, "content": tool.result or NO_RESULT})


def _attach_tool_call(history: list[Message], content: str) -> None:
    """Add what was said before the result of the latest tool was known."""
    asked = next(m for m in reversed(history) if m["role"] == "assistant")
    asked["content"] = " ".join(filter(None, (asked["content"], content)))


def _append(history: list[Message], role: str, content: str) -> None:
    if history[-1]["role"] == role:
        content = f"{history.pop()['content']} {content}"
    history.append({"role": role, "content": content})


def _object(arguments: str) -> str:
    """Arguments as they were, if they are an object: providers refuse all else."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"
