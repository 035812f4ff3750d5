"""The inputs of a `Conversation`: what can happen in a call. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.inworld.tool_calls import ToolCall
from calls.turns.clip import Clip
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class CallConnected:
    """The relay is set up: the caller can hear the bot.

    With `has_lookup`, more variables follow as `LookupDone`. `minute_of_week` is that
    of the bot's time zone. `late_after` is the time in seconds after which a first
    token is later than usual for this bot; None if nothing is known.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    has_lookup: bool = False
    minute_of_week: int = 0
    late_after: float | None = None


@dataclass(frozen=True, slots=True)
class CallResumed:
    """A call continues on another relay, perhaps in another process.

    `turns` is everything said so far, `disconnected_at` when the relay was lost, and
    `seconds` how long ago the call began. After a transfer that failed, `returned` is
    the reason, in words for the model; then no relay was lost. `late_after`: as above.
    """

    turns: tuple[Turn, ...]
    disconnected_at: float
    seconds: float
    variables: Mapping[str, str] = field(default_factory=dict)
    minute_of_week: int = 0
    returned: str = ""
    late_after: float | None = None


@dataclass(frozen=True, slots=True)
class LookupDone:
    """The lookup tool returned variables, or failed with an `error`."""

    values: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    """Twilio transcribed speech; not `final` while the caller still speaks."""

    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class CallerInterrupted:
    """Twilio stopped playing and purged its queue.

    `position_ms` is the position in the current clip, None if not reported.
    """

    position_ms: float | None = None


@dataclass(frozen=True, slots=True)
class CallerSpeaking:
    """The caller began or stopped making sound."""

    on: bool


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key: 0-9, * or #."""

    key: str


@dataclass(frozen=True, slots=True)
class PlaybackChanged:
    """Twilio's output to the caller began or fell silent."""

    on: bool


@dataclass(frozen=True, slots=True)
class ClipReady:
    """A clip of a reply can be played."""

    reply: int
    clip: Clip


@dataclass(frozen=True, slots=True)
class ClipGrew:
    """A clip that was sent while it grows has more sound, or all of it.

    Its sound came so late that at most `reached` seconds of it can have been played.
    """

    clip: Clip
    reached: float


@dataclass(frozen=True, slots=True)
class ClipFetched:
    """Twilio downloaded a clip."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class ClipRefused:
    """Twilio did not play a clip, and goes on without it.

    `sound` is the clip's URL or text; empty if Twilio did not say which one.
    """

    sound: str = ""


@dataclass(frozen=True, slots=True)
class ClipReplaced:
    """Twilio downloaded silence, because the clip was no longer stored."""

    clip_id: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is written and synthesised, or failed with an `error` in plain words.

    `retry_after` is the wait in seconds that Inworld asked for, if it did.
    `timestamps` says when each stage was reached (seconds, monotonic). `calls` are the
    tool calls that the model requests before it says more; `calls_lost` says that some
    broke off.
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
    calls_lost: bool = False


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The model has begun to write a reply."""

    reply: int


@dataclass(frozen=True, slots=True)
class ToolCallEnded:
    """A tool call ended with a `result` for the model.

    `redacted` is `(arguments, result)` for everybody else, if that differs.
    """

    call_id: str
    result: str
    failed: bool = False
    redacted: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The conversation's next deadline has passed."""


@dataclass(frozen=True, slots=True)
class OperatorSaid:
    """An operator typed a line: the bot says it next, or `now`, interrupting itself.

    `line` is the name under which viewers follow it.
    """

    text: str
    now: bool = False
    line: str = ""


@dataclass(frozen=True, slots=True)
class OperatorEnded:
    """An operator ends the call; the second time, at once."""


@dataclass(frozen=True, slots=True)
class OperatorTransferred:
    """An operator transfers the caller; an empty `target` is the first available."""

    target: str = ""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller is gone."""


Event = (
    CallConnected
    | CallResumed
    | CallerSpoke
    | CallerInterrupted
    | CallerSpeaking
    | DtmfReceived
    | PlaybackChanged
    | ClipReady
    | ClipGrew
    | ClipFetched
    | ClipRefused
    | ClipReplaced
    | FirstToken
    | ReplyEnded
    | LookupDone
    | ToolCallEnded
    | TimerFired
    | OperatorSaid
    | OperatorEnded
    | OperatorTransferred
    | CallEnded
)
