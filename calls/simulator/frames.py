"""The bot's messages on the relay socket, read as the carrier reads them."""

import json
import re
from dataclasses import dataclass
from typing import Any

from .player import Sound

CHARACTERS_PER_SECOND = 15  # an unhurried voice
TONE_SECONDS = 0.2
PAUSE_SECONDS = 0.5  # of a `w` among digits

_DIGITS = re.compile(r"[0-9*#w]+")
_MANNERS = {True: "any", False: "none", None: None}
_WORDS = ("none", "dtmf", "speech", "any", None)


class BadFrame(Exception):
    """The carrier does not understand this message."""


@dataclass(frozen=True, slots=True)
class End:
    """The bot hangs up, or hands the call on."""

    handoff: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """The bot changes settings; without effect here."""


@dataclass(frozen=True, slots=True)
class Language:
    """The bot changes what is spoken, what is transcribed, or both."""

    tts: str | None
    transcription: str | None


def speech(text: str, manner: str | None = None, *, preemptible: bool = False) -> Sound:
    """Words the carrier speaks itself, with their length estimated."""
    seconds = len(text) / CHARACTERS_PER_SECOND
    return Sound("carrier", text, "", seconds, 1, manner, preemptible)


def read_frame(raw: str | bytes) -> Sound | End | Change | Language:
    """Read one message; raises BadFrame where the carrier answers with an error."""
    try:
        message = json.loads(raw) if isinstance(raw, str) else None
    except ValueError as error:
        raise BadFrame("not JSON") from error
    if not isinstance(message, dict):
        raise BadFrame("not a JSON object in a text message")
    match message:
        case {"type": "text", "token": str(token)}:
            return speech(token, _manner(message), preemptible=_preemptible(message))
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
        interruptible=_manner(message),
        preemptible=_preemptible(message),
    )


def _language(message: dict[str, Any]) -> Language:
    named = [message.get(name) for name in ("ttsLanguage", "transcriptionLanguage")]
    if not any(named) or not all(isinstance(each, str | None) for each in named):
        raise BadFrame("language without ttsLanguage or transcriptionLanguage")
    return Language(*named)


def _manner(message: dict[str, Any]) -> str | None:
    value = message.get("interruptible")
    if isinstance(value, bool):
        return _MANNERS[value]
    if value not in _WORDS:
        raise BadFrame(f"interruptible={value!r}")
    return value


def _preemptible(message: dict[str, Any]) -> bool:
    value = message.get("preemptible", False)
    if not isinstance(value, bool):
        raise BadFrame(f"preemptible={value!r}")
    return value
