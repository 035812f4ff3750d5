"""The turns of a call as messages for the model: only what was heard, alternating."""

from collections.abc import Iterable

from calls.turns import Turn

Message = dict[str, str]

# Some providers refuse a history that starts with the assistant.
CONNECTED = "[The caller is on the line.]"
CUT_OFF = "[The caller cut you off there and heard nothing after it.]"
GO_ON = "[A noise cut you off there. Go on with the rest, without a word about it.]"


def messages(
    system_prompt: str, turns: Iterable[Turn], *, go_on: bool = False
) -> list[Message]:
    """The system prompt, then user and assistant in strict alternation.

    What the bot said and nobody heard is left out, as are a caller's asides;
    neighbours of one role are joined. `go_on` asks for the rest of a broken-off reply.
    """
    history: list[Message] = [{"role": "system", "content": system_prompt}]
    cut = False
    for turn in turns:
        content = turn.text if turn.role == "caller" else turn.heard
        if not content or turn.aside or turn.role == "system":
            continue
        if turn.role == "caller":
            _append(history, "user", f"{CUT_OFF} {content}" if cut else content)
            cut = False
        else:
            if len(history) == 1:
                _append(history, "user", CONNECTED)
            _append(history, "assistant", content)
            cut = turn.interrupted
    if go_on:
        _append(history, "user", GO_ON)
    return history


def _append(history: list[Message], role: str, content: str) -> None:
    if history[-1]["role"] == role:
        content = f"{history.pop()['content']} {content}"
    history.append({"role": role, "content": content})
