"""One thing said or done in a call: by the caller, the bot, or a tool. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

Role = Literal["caller", "bot", "tool", "system"]

# Names of the built-in tools, as the model calls them.
END_CALL = "end_call"
TRANSFER_CALL = "transfer_call"
SWITCH_LANGUAGE = "switch_language"
COLLECT_DIGITS = "ask_for_keys"

MAX_TOOL_NAME_LENGTH = 80


class TurnKind(StrEnum):
    """The kind of a bot's turn; all but ORDINARY were not written by a model."""

    ORDINARY = ""
    OPERATOR = "operator"  # an operator typed it
    CONSENT = "consent"  # the consent message, said before everything else
    RECORDING_AGREED = "recording_agreed"  # the caller pressed the key for it
    RESUMED = "resumed"  # said after a reconnect
    FILLER = "filler"  # said while a tool or an answer takes long
    DIGIT_PROMPT = "digit_prompt"  # the question of the tool that collects digits
    TRANSFER_NOTICE = "transfer_notice"  # said before a transfer


@dataclass(slots=True)
class ToolCallRecord:
    """A tool call and its result, as the model reads them.

    `arguments` are JSON. `redacted` is `(arguments, result)` for everybody else, if
    some of it is secret. Calls of one `batch` were requested together; 0 is a key.
    `provider_fields` are those that the `model` needs back with the call, `reasoning`
    those that it needs back with its message.
    """

    call_id: str
    name: str
    arguments: str = "{}"
    batch: int = 0
    result: str = ""
    failed: bool = False
    redacted: tuple[str, str] | None = None
    model: str = ""
    provider_fields: Mapping[str, Any] = field(default_factory=dict)
    reasoning: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored: the redacted form.

        A model's thoughts may quote secrets and are not stored. It needs them only for
        its next words.
        """
        arguments, result = self.redacted or (self.arguments, self.result)
        is_secret = arguments != self.arguments
        provider = {"model": self.model, "provider_fields": self.provider_fields}
        return {
            "call_id": self.call_id,
            "name": self.name,
            "arguments": arguments,
            "batch": self.batch,
            "result": result,
            "failed": self.failed,
            **(provider if self.provider_fields and not is_secret else {}),
        }


@dataclass(slots=True)
class Turn:
    """A turn of a call. Times are seconds on the call's monotonic clock.

    `text` is what was transcribed or written, `heard_text` the part that the caller
    heard. `redacted` replaces both in the transcript if the words are secret. The
    model does not read a backchannel ("mhm"), nor a turn of role `system`. `clip_ids`
    are the clips of the turn in playback order. A turn of role `tool` has a
    `tool_call`; its `text` is the name of the tool.
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
    kind: TurnKind = TurnKind.ORDINARY
    model: str = ""  # the language model that wrote it, if one did
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    clip_ids: list[str] = field(default_factory=list)
    tool_call: ToolCallRecord | None = None
    # What was used of the other model, if two were asked: `model`, `characters`,
    # `prompt_tokens`, `completion_tokens` and `error`.
    hedge: dict[str, Any] = field(default_factory=dict)

    @property
    def display_text(self) -> tuple[str, str]:
        """The text and the heard text, without secrets."""
        if self.redacted is not None:
            return self.redacted, self.redacted
        return self.text, self.heard_text


class ToolTurn(NamedTuple):
    """A turn that is a tool call."""

    turn: Turn
    record: ToolCallRecord


def tool_turns(turns: Iterable[Turn]) -> Iterator[ToolTurn]:
    """Return the turns that are tool calls, with their records."""
    return (ToolTurn(turn, turn.tool_call) for turn in turns if turn.tool_call)


def next_index(turns: Sequence[Turn]) -> int:
    """Return the index of another turn; a resumed call may have gaps."""
    return turns[-1].index + 1 if turns else 0


def add_tool_call(
    turns: list[Turn],
    name: str,
    arguments: str,
    at: float,
    *,
    call_id: str = "",
    batch: int = 0,
) -> ToolTurn:
    """Append a tool call; an id that is missing or in use is replaced."""
    index = next_index(turns)
    used_ids = {record.call_id for _, record in tool_turns(turns)}
    if not call_id or call_id in used_ids:
        call_id = f"call_{index}"
    record = ToolCallRecord(call_id, name[:MAX_TOOL_NAME_LENGTH], arguments, batch)
    turns.append(Turn(index, "tool", at, text=record.name, tool_call=record))
    return ToolTurn(turns[-1], record)
