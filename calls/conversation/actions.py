"""What a `Conversation` wants done: its outputs, for the session to carry out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bots.config.capabilities import ToolSpec, TransferTarget
from calls.conversation.messages import Message
from calls.turns.playback import Clip
from calls.turns.turn import Turn


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Voice a text word for word; the carrier does after `within` seconds.

    What is `kept` is fixed, so its sound serves other calls, too.
    """

    reply: int
    text: str
    timeout: float
    is_cacheable: bool = True


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask for an answer to these messages and voice it; `model` "" is the bot's own.

    `functions` are what it may call instead, in JSON Schema; not now, where it
    `must_speak`.
    """

    reply: int
    messages: list[Message]
    model: str = ""
    functions: Sequence[Mapping[str, Any]] = ()
    must_speak: bool = False


@dataclass(frozen=True, slots=True)
class StopReply:
    """Stop writing and voicing: nothing of this reply may be sent any more."""

    reply: int


@dataclass(frozen=True, slots=True)
class Play:
    """Send a clip to the caller, behind what is queued."""

    clip: Clip
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class MuteClips:
    """Clips that may reach the carrier after it purged its queue, and must not sound.

    They are kept, in case they are played again.
    """

    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class DropClips:
    """Clips that nobody may fetch any more.

    `queued` ones are still in the carrier's queue, so a stumble over a missing file
    must be avoided; the others were purged there.
    """

    clips: tuple[Clip, ...]
    queued: bool


@dataclass(frozen=True, slots=True)
class SaveTurn:
    """Write a turn to the transcript, replacing what stood at its index."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class CountFallback:
    """Note that a rung of the failure ladder was taken."""

    rung: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """Make the request of a tool; `arguments` are the model's, not checked yet."""

    call_id: str
    tool: ToolSpec
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeLanguage:
    """Speak and understand another language of the bot from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the relay, everything having been said: the call, too, or it is a transfer.

    `summary` is what the person is told before taking the call.
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
    | HangUp
)
