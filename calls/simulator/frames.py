"""Reads the bot's frames on the relay socket as strictly as Twilio does."""

import json
from dataclasses import dataclass
from typing import Any

from .player import Sound
from .schema import TO_TWILIO, frame_fault

CHARACTERS_PER_SECOND = 15  # an unhurried voice
TONE_SECONDS = 0.2
PAUSE_SECONDS = 0.5  # of a `w` among digits
MAX_LOOP = 1000  # of `loop`: 0


class BadFrame(Exception):
    """Twilio would answer this frame with an error."""


@dataclass(frozen=True, slots=True)
class End:
    """The bot ends the session, perhaps for a transfer."""

    handoff: str | None


@dataclass(frozen=True, slots=True)
class Language:
    """The bot changes the language of speech, of transcription, or both."""

    tts: str | None
    transcription: str | None


def speech(
    text: str, interruptible: str | None = None, *, preemptible: bool = False
) -> Sound:
    """Text for Twilio's own voice, with an estimated duration."""
    seconds = len(text) / CHARACTERS_PER_SECOND
    return Sound("tts", text, "", seconds, 1, interruptible, preemptible)


def read_frame(raw: str | bytes) -> Sound | End | Language:
    """Read one frame; raises BadFrame if Twilio would answer with an error."""
    try:
        message: Any = json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError) as error:
        raise BadFrame("not JSON") from error
    if fault := frame_fault(message, TO_TWILIO):
        raise BadFrame(fault)
    match message["type"]:
        case "text":
            preemptible = message.get("preemptible", False)
            return speech(
                message["token"], _interruptible(message), preemptible=preemptible
            )
        case "play":
            return _play(message)
        case "sendDigits":
            digits = message["digits"]
            seconds = sum(PAUSE_SECONDS if d == "w" else TONE_SECONDS for d in digits)
            return Sound("digits", digits, seconds=seconds)
        case "language":
            return Language(
                message.get("ttsLanguage"), message.get("transcriptionLanguage")
            )
    return End(message.get("handoffData"))


def _play(message: dict[str, Any]) -> Sound:
    return Sound(
        "clip",
        source=message["source"],
        loop=int(message.get("loop", 1)) or MAX_LOOP,
        interruptible=_interruptible(message),
        preemptible=message.get("preemptible", False),
    )


def _interruptible(message: dict[str, Any]) -> str | None:
    """The value for TwiML; None if the frame leaves it to the TwiML."""
    return {True: "any", False: "none", None: None}[message.get("interruptible")]
