"""What a client asks of the sandbox, refused where Inworld would refuse it."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from bots.sandbox.json_answers import schema_of

MAX_TEXT_LENGTH = 2000
MAX_TOKENS = 32_768
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
class Function:
    """Something that may be called instead of speaking."""

    name: str
    description: str
    parameters: dict[str, Any]

    def choices(self, parameter: str) -> list[str]:
        """What an argument may be, where it is one of a list."""
        properties = self.parameters.get("properties")
        about = properties.get(parameter) if isinstance(properties, dict) else None
        listed = about.get("enum") if isinstance(about, dict) else None
        return [str(each) for each in listed] if isinstance(listed, list) else []


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a reply; without a voice it is for text only.

    `functions` are those that may be called now.
    """

    model: str
    messages: list[dict[str, Any]]
    voice: str
    stream: bool
    max_tokens: int
    functions: tuple[Function, ...] = ()
    schema: dict[str, Any] | None = None  # of the JSON that is wanted

    @classmethod
    def read(cls, request: HttpRequest) -> "ChatRequest":
        body = _json_object(request.body)
        limit = (
            body.get("max_tokens") or body.get("max_completion_tokens") or MAX_TOKENS
        )
        return cls(
            model=_text(body, "model"),
            messages=_messages(body.get("messages")),
            voice=_voice(body.get("audio")),
            stream=body.get("stream") is True,
            max_tokens=int(_number(limit, "max_tokens", 1, MAX_TOKENS)),
            functions=_functions(body.get("tools"), body.get("tool_choice")),
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
        if len(text) > MAX_TEXT_LENGTH:
            raise Refused(400, f"text has {len(text)} of {MAX_TEXT_LENGTH} characters")
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
    _check_results(value)
    return value


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Refuse a result that nobody asked for, and a call without one."""
    owed: list[str] = []
    for message in [*messages, {"role": "user"}]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in owed:
                raise Refused(400, "a tool message must answer a call before it")
            owed.remove(message["tool_call_id"])
        elif owed:
            raise Refused(400, f"the call {owed[0]} has no result")
        else:
            owed = _called(message.get("tool_calls") or [])


def _called(calls: object) -> list[str]:
    """The ids of a message's calls."""
    try:
        ids = [call["id"] for call in calls]  # type: ignore[attr-defined]
        functions = [call["function"] for call in calls]  # type: ignore[attr-defined]
        written = [(each["name"], each["arguments"]) for each in functions]
    except (TypeError, KeyError) as error:
        raise Refused(400, "tool_calls need id, and name and arguments") from error
    if not all(isinstance(text, str) for text in (*ids, *sum(written, ()))):
        raise Refused(400, "id, name and arguments of tool_calls must be strings")
    return ids


def _functions(tools: object, choice: object) -> tuple[Function, ...]:
    """What is offered; nothing of it where nothing may be called."""
    if choice not in (None, "auto", "none"):
        raise Refused(400, f"tool_choice {choice!r}: the sandbox has auto and none")
    if not isinstance(tools, list | None):
        raise Refused(400, "tools must be a list")
    offered = tuple(map(_function, tools or ()))
    return () if choice == "none" else offered


def _function(tool: object) -> Function:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise Refused(400, "a tool needs a function")
    schema = function.get("parameters", {})
    if not isinstance(schema, dict):
        raise Refused(400, "parameters of a function must be a JSON Schema")
    told = str(function.get("description") or "")
    return Function(_text(function, "name"), told, schema)


def _voice(audio: object) -> str:
    if audio is None:
        return ""
    if not isinstance(audio, dict):
        raise Refused(400, "audio must be an object")
    return _text(audio, "voice")
