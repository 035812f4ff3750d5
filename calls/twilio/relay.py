"""Parses ConversationRelay frames into events, and builds the frames we send. Pure.

Source: Twilio, "Getting and sending WebSocket messages". Twilio adds keys and types
without notice, so an unknown frame parses to None, never to an error.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bots.config.text import as_spoken, read_json
from calls.conversation.events import (
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    DtmfReceived,
    Event,
    PlaybackChanged,
)

KEYS = frozenset("0123456789*#")
# Longer than anybody speaks without a pause. The model is billed by length.
MAX_PROMPT_LENGTH = 8_000


@dataclass(frozen=True, slots=True)
class Setup:
    """The first frame: the call of this socket, and the TwiML's parameters."""

    call_sid: str
    parameters: dict[str, str] = field(default_factory=dict)
    account_sid: str = ""


@dataclass(frozen=True, slots=True)
class RelayError:
    """Twilio rejected one of our frames; `code` is Twilio's, or empty.

    `sound` is the URL or the text of that frame, empty if Twilio does not repeat it,
    None if it was no sound.
    """

    code: str
    sound: str | None = ""


RelayEvent = Event | RelayError
Frame = Setup | RelayEvent


def parse(text: str) -> Frame | None:
    """Parse one text frame; None if it is malformed or of a type we do not use."""
    message = read_json(text)
    if not isinstance(message, dict):
        return None
    match message.get("type"):
        case "setup":
            return _setup(message)
        case "prompt":
            final = message.get("last", True)
            return CallerSpoke(_speech(message), final is not False)
        case "interrupt":
            return CallerInterrupted(_number(message.get("durationUntilInterruptMs")))
        case "dtmf":
            key = _text(message, "digit")
            return DtmfReceived(key) if key in KEYS else None
        case "info":
            return _info(_text(message, "name"), _text(message, "value"))
        case "error":
            description = _text(message, "description")
            return RelayError(_code(description), _refused_sound(description))
    return None


def _setup(message: dict[str, Any]) -> Setup | None:
    call_sid = _text(message, "callSid")
    parameters = message.get("customParameters")
    if not call_sid:
        return None
    return Setup(
        call_sid,
        parameters={str(k): str(v) for k, v in parameters.items()}
        if isinstance(parameters, dict)
        else {},
        account_sid=_text(message, "accountSid"),
    )


def _info(name: str, value: str) -> Event | None:
    if value not in ("on", "off"):
        return None
    match name:
        case "agentSpeaking":
            return PlaybackChanged(value == "on")
        case "clientSpeaking":
            return CallerSpeaking(value == "on")
    return None


def _speech(message: dict[str, Any]) -> str:
    """The caller's words, made safe for the model: anybody may have sent them."""
    return as_spoken(_text(message, "voicePrompt")[:MAX_PROMPT_LENGTH])


def _text(message: dict[str, Any], key: str) -> str:
    """A string value, without characters that PostgreSQL or UTF-8 cannot store."""
    value = message.get(key)
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode(errors="replace").decode()


def _number(value: object) -> float | None:
    """A duration in milliseconds; Twilio's older documents show it as a string."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 86_400_000 else None


def _code(description: str) -> str:
    """Twilio's error number. The rest of the text repeats our frame: personal data."""
    _, _, rest = description.partition("code: ")
    digits = rest[:5]
    return digits if digits.isdigit() else ""


def _refused_sound(description: str) -> str | None:
    """The sound of our frame, which stands at the end of a description."""
    _, brace, rest = description.partition("{")
    frame = read_json(brace + rest)
    if not isinstance(frame, dict):
        return ""
    key = {"play": "source", "text": "token"}.get(str(frame.get("type")))
    return _text(frame, key) if key else None


def play(url: str, *, interruptible: bool = True) -> str:
    """Play one clip after those that are queued."""
    frame = {"type": "play", "source": url, "loop": 1, "preemptible": False}
    return json.dumps(frame | _interruptible(interruptible))


def text(message: str, *, interruptible: bool = True) -> str:
    """Say a message with Twilio's own voice."""
    frame = {"type": "text", "token": message, "last": True}
    return json.dumps(frame | _interruptible(interruptible))


def language(*, speech: str, transcription: str) -> str:
    """Switch to another language, by the tags with which it was declared."""
    tags = {"ttsLanguage": speech, "transcriptionLanguage": transcription}
    return json.dumps({"type": "language", **tags})


def _interruptible(interruptible: bool) -> dict[str, bool]:
    """Without the key, the value in the TwiML applies.

    Only there it is a word such as "none"; in a frame it is a boolean.
    """
    return {} if interruptible else {"interruptible": False}


def end(handoff: str = "") -> str:
    """End the session; Twilio sends `handoff` to the action URL unchanged."""
    return json.dumps({"type": "end"} | ({"handoffData": handoff} if handoff else {}))
