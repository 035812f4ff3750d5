"""Parses the bot's frames on the relay socket as strictly as Twilio does."""

import json
import re
from dataclasses import dataclass
from typing import Any

from .player import Sound

CHARACTERS_PER_SECOND = 15  # an unhurried voice
TONE_SECONDS = 0.2
PAUSE_SECONDS = 0.5  # of a `w` among digits

_DIGITS = re.compile(r"[0-9*#w]+")
_BY_FLAG = {True: "any", False: "none"}
_INTERRUPTIBLE = ("none", "dtmf", "speech", "any", None)


class BadFrame(Exception):
    """Twilio would answer this frame with an error."""


@dataclass(frozen=True, slots=True)
class End:
    """The bot ends the session, perhaps for a transfer."""

    handoff: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """The bot changes settings; no effect in the simulator."""


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


def read_frame(raw: str | bytes) -> Sound | End | Change | Language:
    """Parse one frame; raises BadFrame if Twilio would answer with an error."""
    try:
        message = json.loads(raw) if isinstance(raw, str) else None
    except ValueError as error:
        raise BadFrame("not JSON") from error
    if not isinstance(message, dict):
        raise BadFrame("not a JSON object in a text message")
    match message:
        case {"type": "text", "token": str(token)}:
            return speech(
                token, _interruptible(message), preemptible=_preemptible(message)
            )
        case {"type": "play", "source": str(source)} if source.startswith("http"):
            return _play(message, source)
        case {"type": "sendDigits", "digits": str(digits)} if _DIGITS.fullmatch(digits):
            seconds = sum(PAUSE_SECONDS if d == "w" else TONE_SECONDS for d in digits)
            return Sound("digits", digits, seconds=seconds)
        case {"type": "end"} if isinstance(message.get("handoffData", ""), str):
            return End(message.get("handoffData"))
        case {"type": "language"}:
            return _language(message)
        case {"type": "config" | "hints"}:
            return Change()
    raise BadFrame(f"unknown type or fields: {message.get('type')}")


def _play(message: dict[str, Any], source: str) -> Sound:
    loop = message.get("loop", 1)
    if type(loop) is not int or not 0 <= loop <= 1000:
        raise BadFrame(f"loop={loop!r}")
    return Sound(
        "clip",
        source=source,
        loop=loop or 1000,
        interruptible=_interruptible(message),
        preemptible=_preemptible(message),
    )


def _language(message: dict[str, Any]) -> Language:
    codes = [message.get(name) for name in ("ttsLanguage", "transcriptionLanguage")]
    if not any(codes) or not all(isinstance(code, str | None) for code in codes):
        raise BadFrame("language without ttsLanguage or transcriptionLanguage")
    return Language(*codes)


def _interruptible(message: dict[str, Any]) -> str | None:
    value = message.get("interruptible")
    if isinstance(value, bool):
        return _BY_FLAG[value]
    if value not in _INTERRUPTIBLE:
        raise BadFrame(f"interruptible={value!r}")
    return value


def _preemptible(message: dict[str, Any]) -> bool:
    value = message.get("preemptible", False)
    if not isinstance(value, bool):
        raise BadFrame(f"preemptible={value!r}")
    return value
