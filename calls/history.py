"""The turns of a call as messages for the model: only what was heard, alternating."""

from collections.abc import Iterable

from calls.turns import Turn

Message = dict[str, str]

# Some providers refuse a history that starts with the assistant.
CONNECTED = "[The caller is on the line.]"
CUT_OFF = "[The caller cut you off there and heard nothing after it.]"


def messages(system_prompt: str, turns: Iterable[Turn]) -> list[Message]:
    """The system prompt, then user and assistant in strict alternation.

    What the bot said and nobody heard is left out; neighbours of one role are joined.
    """
    history: list[Message] = [{"role": "system", "content": system_prompt}]
    cut = False
    for turn in turns:
        content = turn.text if turn.role == "caller" else turn.heard
        if not content:
            continue
        if turn.role == "caller":
            _append(history, "user", f"{CUT_OFF} {content}" if cut else content)
            cut = False
        else:
            if len(history) == 1:
                _append(history, "user", CONNECTED)
            _append(history, "assistant", content)
            cut = turn.interrupted
    return history


def _append(history: list[Message], role: str, content: str) -> None:
    if history[-1]["role"] == role:
        content = f"{history.pop()['content']} {content}"
    history.append({"role": role, "content": content})
