"""What a `Conversation` wants done: its outputs, for the session to carry out."""

from dataclasses import dataclass

from calls.history import Message
from calls.playback import Clip
from calls.turns import Turn


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Voice a fixed text word for word; the carrier does after `within` seconds."""

    reply: int
    text: str
    within: float


@dataclass(frozen=True, slots=True)
class StartReply:
    """Ask for an answer to these messages and voice it; `model` "" is the bot's own."""

    reply: int
    messages: list[Message]
    model: str = ""


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
class Withhold:
    """Clips that may reach the carrier after it purged its queue, and must not sound.

    They are kept, in case they are played again.
    """

    clips: tuple[Clip, ...]


@dataclass(frozen=True, slots=True)
class Discard:
    """Clips that nobody may fetch any more.

    `queued` ones are still in the carrier's queue, so a stumble over a missing file
    must be avoided; the others were purged there.
    """

    clips: tuple[Clip, ...]
    queued: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Write a turn to the transcript, replacing what stood at its index."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Resort:
    """Note that a rung of the failure ladder was taken."""

    rung: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, everything having been said; `transfer` puts the caller through."""

    reason: str
    transfer: bool = False


Action = (
    SpeakText
    | StartReply
    | StopReply
    | Play
    | Withhold
    | Discard
    | Record
    | Resort
    | HangUp
)
