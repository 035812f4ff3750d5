"""The turns of a call as messages for the model: only what was heard, alternating."""

from collections.abc import Iterable

from calls.turns import RESUMED, Turn

Message = dict[str, str]

# Some providers refuse a history that starts with the assistant.
CONNECTED = "[The caller is on the line.]"
CUT_OFF = "[The caller cut you off there and heard nothing after it.]"
LINE_BROKE = (
    "[The line broke there for a moment. The caller heard nothing after that, and has "
    "just been told so; do not greet again.]"
)
GO_ON = "[A noise cut you off there. Go on with the rest, without a word about it.]"
LEFT_OUT = "[What was said after that is left out here.]"
# Some ten thousand words: more costs more than it helps, and no model reads any length.
MOST_CHARACTERS = 60_000


def messages(
    system_prompt: str, turns: Iterable[Turn], *, go_on: bool = False
) -> list[Message]:
    """The system prompt, then user and assistant in strict alternation.

    What the bot said and nobody heard is left out, as are a caller's asides;
    neighbours of one role are joined. `go_on` asks for the rest of a broken-off reply.
    Of a long call the oldest exchanges after the greeting are left out.
    """
    history: list[Message] = [{"role": "system", "content": system_prompt}]
    cut = False
    for turn in turns:
        if turn.model == RESUMED:
            _append(history, "user", LINE_BROKE)
            cut = False
            continue
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
    return _shortened(history)


def _shortened(history: list[Message]) -> list[Message]:
    """The same in `MOST_CHARACTERS` beside the system prompt."""
    greeted = len(history) > 1 and history[1]["content"] == CONNECTED
    begin = 3 if greeted else 1
    length = sum(len(message["content"]) for message in history[1:])
    if length <= MOST_CHARACTERS:
        return history
    kept = history[begin:]  # begins with the caller
    while length > MOST_CHARACTERS and len(kept) > 2:
        length -= sum(len(message["content"]) for message in kept[:2])
        kept = kept[2:]
    for message in kept:
        message["content"] = message["content"][-MOST_CHARACTERS // 2 :]
    if kept:
        kept[0]["content"] = f"{LEFT_OUT} {kept[0]['content']}"
    return [*history[:begin], *kept]


def _append(history: list[Message], role: str, content: str) -> None:
    if history[-1]["role"] == role:
        content = f"{history.pop()['content']} {content}"
    history.append({"role": role, "content": content})
