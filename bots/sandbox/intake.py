"""What a client asks of the sandbox, refused where Inworld would refuse it."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from bots.sandbox.summaries import schema_of

LONGEST_TEXT = 2000
MOST_TOKENS = 32_768
ENCODINGS = ("WAV", "LINEAR16", "PCM", "MULAW")
ROLES = ("system", "developer", "user", "assistant", "tool")


class Refused(Exception):
    """A request that gets an HTTP error instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check_key(request: HttpRequest) -> None:
    """Any key opens the sandbox, none does too; only "wrong" is a wrong one."""
    scheme, _, key = request.headers.get("Authorization", "Basic").partition(" ")
    if scheme != "Basic" or key.strip() == "wrong":
        raise Refused(401, "invalid api key: send it as Authorization: Basic <key>")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a reply; without a voice it is for text only."""

    model: str
    messages: list[dict[str, Any]]
    voice: str
    stream: bool
    max_tokens: int
    schema: dict[str, Any] | None = None  # of the JSON that is wanted

    @classmethod
    def read(cls, request: HttpRequest) -> "ChatRequest":
        body = _json_object(request.body)
        limit = (
            body.get("max_tokens") or body.get("max_completion_tokens") or MOST_TOKENS
        )
        return cls(
            model=_text(body, "model"),
            messages=_messages(body.get("messages")),
            voice=_voice(body.get("audio")),
            stream=body.get("stream") is True,
            max_tokens=int(_number(limit, "max_tokens", 1, MOST_TOKENS)),
            schema=schema_of(body),
        )


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to be read aloud."""

    text: str
    voice: str
    model: str
    language: str
    encoding: str
    sample_rate: int
    speaking_rate: float
    word_times: bool

    @classmethod
    def read(cls, request: HttpRequest) -> "SpeechRequest":
        body = _json_object(request.body)
        text = _text(body, "text")
        if len(text) > LONGEST_TEXT:
            raise Refused(400, f"text has {len(text)} of {LONGEST_TEXT} characters")
        config = body.get("audioConfig") or {}
        if not isinstance(config, dict):
            raise Refused(400, "audioConfig must be an object")
        encoding = config.get("audioEncoding", "MP3")
        if encoding not in ENCODINGS:
            offered = ", ".join(ENCODINGS)
            raise Refused(400, f"audioEncoding {encoding!r}: the sandbox has {offered}")
        rate = config.get("sampleRateHertz", 48_000)
        speed = config.get("speakingRate", 1.0)
        return cls(
            text=text,
            voice=_text(body, "voiceId"),
            model=_text(body, "modelId"),
            language=str(body.get("language") or ""),
            encoding=encoding,
            sample_rate=int(_number(rate, "sampleRateHertz", 8000, 48_000)),
            speaking_rate=_number(speed, "speakingRate", 0.5, 1.5),
            word_times=body.get("timestampType") == "WORD",
        )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object")
    return value


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, f"{field} is required")
    return value


def _number(value: object, field: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(400, f"{field} must be a number")
    if not least <= value <= most:
        raise Refused(400, f"{field} must be from {least} to {most}")
    return value


def _messages(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise Refused(400, "messages must be a list with at least one message")
    for message in value:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise Refused(400, f"a message needs a role, one of {', '.join(ROLES)}")
    return value


def _voice(audio: object) -> str:
    if audio is None:
        return ""
    if not isinstance(audio, dict):
        raise Refused(400, "audio must be an object")
    return _text(audio, "voice")
