"""One thing said in a call, as the conversation keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["caller", "bot", "tool", "system"]
# Stands as the model of what an operator had the bot say.
OPERATOR = "operator"
# The same, of what tells a caller that the line is back.
RESUMED = "resumed"
# The same, of what is said while a tool takes long.
FILLER = "filler"
# The same, of a question whose answer is typed; the model knows it from its own call.
ASKED = "asked"
# The same, of what tells a caller that they are put through, before anybody is called.
NOTICE = "notice"
# The same, of the sentence about consent that comes before everything else.
CONSENT = "consent"

# Names of the tools that every bot has built in, as the model calls them.
END_CALL = "end_call"
TRANSFER_CALL = "transfer_call"
SWITCH_LANGUAGE = "switch_language"
COLLECT_DIGITS = "ask_for_keys"


@dataclass(slots=True)
class ToolCallRecord:
    """What the model wanted done, and what it is told came of it.

    `arguments` are JSON. `shown` is `(arguments, result)` as anybody may read them,
    where some of it is secret. Uses of one `batch` were asked for together.
    """

    call_id: str
    name: str
    arguments: str = "{}"
    batch: int = 0
    result: str = ""
    failed: bool = False
    redacted: tuple[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """What of it is kept."""
        arguments, result = self.redacted or (self.arguments, self.result)
        return {
            "call_id": self.call_id,
            "name": self.name,
            "arguments": arguments,
            "batch": self.batch,
            "result": result,
            "failed": self.failed,
        }


@dataclass(slots=True)
class Turn:
    """A turn of the caller or the bot; times are seconds on the call's monotonic clock.

    `text` is what was transcribed or written, `heard` what the caller heard of it.
    `shown` replaces both in the transcript where the words are secret. An `aside`
    ("mhm") is not for the model. Role `system` marks what the bot did not mean to say.
    `clip_ids` are the clips that say it, in the order in which they are played. Of role
    `tool` is the use of one; its `text` says which.
    """

    index: int
    role: Role
    started_at: float
    text: str = ""
    heard_text: str = ""
    redacted: str | None = None
    is_backchannel: bool = False
    interrupted: bool = False
    ended_at: float | None = None
    latency_ms: dict[str, int] = field(default_factory=dict)
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    clip_ids: list[str] = field(default_factory=list)
    tool_call: ToolCallRecord | None = None

    @property
    def display_text(self) -> tuple[str, str]:
        """What was said, and heard of it, as anybody may read it."""
        return (
            (self.text, self.heard_text)
            if self.redacted is None
            else (self.redacted,) * 2
        )


def next_index(turns: Sequence[Turn]) -> int:
    """The place of another turn; a resumed call may have lost some."""
    return turns[-1].index + 1 if turns else 0


def add_tool_call(
    turns: list[Turn],
    name: str,
    arguments: str,
    at: float,
    *,
    call_id: str = "",
    batch: int = 0,
) -> Turn:
    """Add the use of a tool to a call; an id that is missing or taken gets another."""
    index = next_index(turns)
    taken = {turn.tool_call.call_id for turn in turns if turn.tool_call}
    if not call_id or call_id in taken:
        call_id = f"call_{index}"
    use = ToolCallRecord(call_id, name[:80], arguments, batch)
    turns.append(Turn(index, "tool", started_at=at, text=use.name, tool_call=use))
    return turns[-1]
