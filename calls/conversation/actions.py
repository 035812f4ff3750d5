"""The outputs of a `Conversation`: what the session is to do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots.config.capabilities import ToolSpec, TransferTarget
from calls.turns.clip import Clip
from calls.turns.messages import Message
from calls.turns.recording import RecordingState
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Synthesise a text word for word; after `timeout` seconds Twilio speaks it.

    The sound of an `is_cacheable` text serves other calls, too. With `own_clip` it gets
    an address of its own, so that its download is known to be this call's.
    """

    reply: int
    text: str
    timeout: float
    is_cacheable: bool = True
    own_clip: bool = False


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask the model for an answer and speak it; an empty `model` is the bot's own.

    It may call one of the `functions` (JSON Schema) instead, unless it `must_speak`.
    A hedge is asked while another request for the same answer runs.
    """

    reply: int
    messages: list[Message]
    model: str = ""
    functions: Sequence[Mapping[str, Any]] = ()
    must_speak: bool = False
    is_hedge: bool = False


@dataclass(frozen=True, slots=True)
class StopReply:
    """Stop writing and synthesising a reply; send no more clips of it."""

    reply: int


@dataclass(frozen=True, slots=True)
class Play:
    """Send a clip to Twilio, which plays it after the queued ones."""

    clip: Clip
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class MuteClips:
    """Replace clips by silence that may reach Twilio after it purged its queue.

    They are kept, since they may be played again.
    """

    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class DropClips:
    """Delete clips.

    If they are `queued` at Twilio, it must find silence in their place, not an error.
    """

    clips: tuple[Clip, ...]
    queued: bool


@dataclass(frozen=True, slots=True)
class SaveTurn:
    """Write a turn to the transcript; it replaces the turn with the same index."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class CountFallback:
    """Count a fallback step in the metrics."""

    step: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """Make the request of a tool. The model's `arguments` are not validated yet."""

    call_id: str
    tool: ToolSpec
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeLanguage:
    """Speak and transcribe another language of the bot from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class SetRecording:
    """Start or pause the recording of the call, or go on with it."""

    state: RecordingState


@dataclass(frozen=True, slots=True)
class HideKey:
    """A key was pressed that no recording may have. It should be paused by now."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the relay session: the call ends, or the caller is transferred.

    The transfer target hears the `summary` before taking the call.
    """

    reason: str
    transfer: TransferTarget | None = None
    summary: str = ""


Action = (
    SpeakText
    | StartReply
    | StopReply
    | Play
    | MuteClips
    | DropClips
    | SaveTurn
    | CountFallback
    | CallTool
    | ChangeLanguage
    | SetRecording
    | HideKey
    | HangUp
)
