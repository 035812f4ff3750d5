"""Twilio's JSON frames to our events, and our actions to its frames.

Facts: Twilio, "Getting and sending WebSocket messages". Keys and types are added there
without notice, so whatever is not understood is `None`, never an error.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from calls.conversation.events import (
    CallerInterrupted,
    CallerSpeaking,
    CallerSpoke,
    DtmfReceived,
    Event,
    PlaybackChanged,
)

KEYS = frozenset("0123456789*#")
# Longer than anybody speaks without a pause; the model is paid for by its words.
MAX_PROMPT_LENGTH = 8_000
# What speech cannot contain and text that pretends to be something else does: breaks of
# lines, marks that hide or turn round what follows, and the brackets of our own notes
# to the model ("[pressed 1]").
CONTROL_CHARACTERS: dict[int, str | None] = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " "),
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF]),
    **dict.fromkeys(range(0xE0000, 0xE0080)),
    ord("["): "(",
    ord("]"): ")",
    ord("|"): " ",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """The first frame: which call this socket carries."""

    call_sid: str
    session_id: str = ""
    from_number: str = ""
    to_number: str = ""
    direction: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RelayError:
    """The carrier refused something of ours; `code` is Twilio's, if it named one."""

    code: str


Frame = Setup | RelayError | Event


def parse(text: str) -> Frame | None:
    """One text frame; None when it is malformed or of a kind we do not use."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
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
            return RelayError(_code(_text(message, "description")))
    return None


def _setup(message: dict[str, Any]) -> Setup | None:
    call_sid = _text(message, "callSid")
    parameters = message.get("customParameters")
    if not call_sid:
        return None
    return Setup(
        call_sid,
        session_id=_text(message, "sessionId"),
        from_number=_text(message, "from"),
        to_number=_text(message, "to"),
        direction=_text(message, "direction"),
        parameters={str(k): str(v) for k, v in parameters.items()}
        if isinstance(parameters, dict)
        else {},
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
    """What the caller said: nobody vouches for it, and it goes to the model."""
    words = _text(message, "voicePrompt")[:MAX_PROMPT_LENGTH]
    return words.translate(CONTROL_CHARACTERS)


def _text(message: dict[str, Any], key: str) -> str:
    """A string value, without what neither a database nor UTF-8 can hold."""
    value = message.get(key)
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode(errors="replace").decode()


def _number(value: object) -> float | None:
    """A count of milliseconds; older documents show it as a string."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 86_400_000 else None


def _code(description: str) -> str:
    """Twilio's error number; the rest echoes our own frame, with personal data."""
    _, _, rest = description.partition("code: ")
    digits = rest[:5]
    return digits if digits.isdigit() else ""


def play(url: str, *, interruptible: bool = True) -> str:
    """Play one clip after what is queued."""
    frame = {"type": "play", "source": url, "loop": 1, "preemptible": False}
    return json.dumps(frame | _interruptible(interruptible))


def text(words: str, *, interruptible: bool = True) -> str:
    """Have the carrier's own voice say something."""
    return json.dumps(
        {"type": "text", "token": words, "last": True} | _interruptible(interruptible)
    )


def language(name: str) -> str:
    """Speak and understand another language from now on."""
    both = {"ttsLanguage": name, "transcriptionLanguage": name}
    return json.dumps({"type": "language", **both})


def _interruptible(interruptible: bool) -> dict[str, str]:
    """Left out, the TwiML's value holds."""
    return {} if interruptible else {"interruptible": "none"}


def end(handoff: str = "") -> str:
    """End the session; `handoff` reaches the action URL verbatim."""
    return json.dumps({"type": "end"} | ({"handoffData": handoff} if handoff else {}))
