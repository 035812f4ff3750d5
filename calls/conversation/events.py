"""What can happen in a call: the inputs of a `Conversation`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.inworld.tool_calls import ToolCall
from calls.turns.playback import Clip
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class CallConnected:
    """The relay is set up: the caller can hear us.

    `known` are the call's variables; with `looks_up` more of them are to come as
    `LookedUp`. `minute` is that of the week in the bot's time zone.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    has_lookup: bool = False
    minute_of_week: int = 0


@dataclass(frozen=True, slots=True)
class CallResumed:
    """A relay is set up for a call that has lost another, perhaps in another process.

    `turns` is everything said so far, `disconnected_at` when the line broke and `seconds` how
    long ago the call began. `returned` says why a caller who was to be put through is
    back, in words for the model; then no line was lost.
    """

    turns: tuple[Turn, ...]
    disconnected_at: float
    seconds: float
    known: Mapping[str, str] = field(default_factory=dict)
    minute_of_week: int = 0
    returned: str = ""


@dataclass(frozen=True, slots=True)
class LookupDone:
    """The lookup before the call told more variables, or failed with an `error`."""

    values: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """The carrier transcribed speech; not `final` while the caller still speaks."""

    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class CallerInterrupted:
    """The carrier stopped its output and purged its queue.

    `position_ms` covers only the clip that was playing; None when not reported.
    """

    position_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CallerSpeaking:
    """The carrier hears the caller begin or stop making sound."""

    on: bool


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """One key of the caller's phone: 0-9, * or #."""

    key: str


@dataclass(frozen=True, slots=True)
class PlaybackChanged:
    """The carrier's output to the caller began or fell silent."""

    on: bool


@dataclass(frozen=True, slots=True)
class ClipReady:
    """A segment of a reply can be played."""

    reply: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class ClipFetched:
    """The carrier downloaded a clip."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is written and voiced, or broke off with an `error` in plain words.

    `retry_after` (seconds) is the wait that the upstream asked for, if it did.
    `marks` are the moments (seconds, monotonic) of its stages by name; `calls` what
    the model wants done before it says more.
    """

    reply: int
    text: str = ""
    error: str = ""
    retryable: bool = True
    retry_after: float | None = None
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timestamps: Mapping[str, float] = field(default_factory=dict)
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallEnded:
    """A tool has answered, or failed: `result` is what the model is told.

    `shown` is `(arguments, result)` as anybody may read them, where that differs.
    """

    call_id: str
    result: str
    failed: bool = False
    shown: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The moment the conversation asked to be woken at has come."""


@dataclass(frozen=True, slots=True)
class OperatorSaid:
    """An operator wrote a line for the bot to say next."""

    text: str


@dataclass(frozen=True, slots=True)
class OperatorEnded:
    """An operator wants the call to end; the second time, at once."""


@dataclass(frozen=True, slots=True)
class OperatorTransferred:
    """An operator wants the caller to be put through, to the first who is there."""

    target: str = ""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The line is gone."""


Event = (
    CallConnected
    | CallResumed
    | CallerSpoke
    | CallerInterrupted
    | CallerSpeaking
    | DtmfReceived
    | PlaybackChanged
    | ClipReady
    | ClipFetched
    | ReplyEnded
    | LookupDone
    | ToolCallEnded
    | TimerFired
    | OperatorSaid
    | OperatorEnded
    | OperatorTransferred
    | CallEnded
)
