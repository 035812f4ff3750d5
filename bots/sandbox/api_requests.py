"""Requests to the sandbox, refused if Inworld would refuse them."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from bots.config.text import read_json
from bots.sandbox.json_answers import schema_of
from bots.sandbox.voice.catalogue import refused_parameters

MAX_TEXT_LENGTH = 2000
MAX_TOKENS = 32_768
ENCODINGS = ("WAV", "LINEAR16", "PCM", "MULAW", "MP3")
# Inworld has these, too.
OTHER_ENCODINGS = ("ALAW", "OGG_OPUS", "FLAC")
# No such model, and no sound for such a text: for trying what is done instead.
MISSING = "/missing"
NAME_AND_ARGUMENTS = ("name", "arguments")
ROLES = ("system", "developer", "user", "assistant", "tool")


class Refused(Exception):
    """A request that gets an HTTP error instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def check_key(request: HttpRequest) -> None:
    """Accept any key, and none; refuse only the key "wrong"."""
    scheme, _, key = request.headers.get("Authorization", "Basic").partition(" ")
    if scheme != "Basic" or key.strip() == "wrong":
        raise Refused(401, "invalid api key: send it as Authorization: Basic <key>")


@dataclass(frozen=True, slots=True)
class Function:
    """A function that may be called instead of speaking."""

    name: str
    description: str
    parameters: dict[str, Any]

    def choices(self, parameter: str) -> list[str]:
        """The allowed values of a parameter that has a list of them."""
        match self.parameters:
            case {"properties": {**properties}}:
                match properties.get(parameter):
                    case {"enum": [*values]}:
                        return [str(value) for value in values]
        return []


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a reply; without a voice, for text only.

    `functions` are those that may be called now; `schema` is that of a JSON answer.
    """

    model: str
    messages: list[dict[str, Any]]
    voice: str
    stream: bool
    max_tokens: int
    functions: tuple[Function, ...] = ()
    schema: dict[str, Any] | None = None

    @classmethod
    def read(cls, request: HttpRequest) -> "ChatRequest":
        body = _json_object(request.body)
        _check_parameters(body)
        limit = (
            body.get("max_tokens") or body.get("max_completion_tokens") or MAX_TOKENS
        )
        return cls(
            model=_answering_model(body),
            messages=_messages(body.get("messages")),
            voice=_voice(body.get("audio")),
            stream=body.get("stream") is True,
            max_tokens=int(_number(limit, "max_tokens", 1, MAX_TOKENS)),
            functions=_functions(body.get("tools"), body.get("tool_choice")),
            schema=schema_of(body),
        )


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A request to read a text aloud."""

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
        if MISSING in text:
            raise Refused(404, "the sandbox has no sound for this text")
        config = body.get("audioConfig") or {}
        if not isinstance(config, dict):
            raise Refused(400, "audioConfig must be an object")
        encoding = config.get("audioEncoding")
        if encoding in OTHER_ENCODINGS:
            known = ", ".join(ENCODINGS)
            raise Refused(400, f"audioEncoding {encoding}: the sandbox has {known}")
        rate = config.get("sampleRateHertz", 48_000)
        speed = config.get("speakingRate", 1.0)
        return cls(
            text=text,
            voice=_text(body, "voiceId"),
            model=_text(body, "modelId"),
            language=str(body.get("language") or ""),
            # Inworld does not refuse an encoding that it does not know.
            encoding=encoding if encoding in ENCODINGS else "MP3",
            sample_rate=int(_number(rate, "sampleRateHertz", 8000, 48_000)),
            speaking_rate=_number(speed, "speakingRate", 0.5, 1.5),
            word_times=body.get("timestampType") == "WORD",
        )


def _answering_model(body: dict[str, Any]) -> str:
    """The model asked for; for one that is named “missing”, the first backup model."""
    model = _text(body, "model")
    if not model.endswith(MISSING):
        return model
    extra = body.get("extra_body")
    backups = body.get("models") or (isinstance(extra, dict) and extra.get("models"))
    if not (isinstance(backups, list) and backups):
        raise Refused(404, f"model {model} not found")
    return str(backups[0])


def _json_object(body: bytes) -> dict[str, Any]:
    value = read_json(body)
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object")
    return value


def _check_parameters(body: dict[str, Any]) -> None:
    """Refuse, in OpenAI's words, a parameter that the model does not take."""
    refused = refused_parameters(str(body.get("model")))
    if "max_tokens" in refused & body.keys():
        raise Refused(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
        )
    if "temperature" in refused & body.keys():
        raise Refused(
            400,
            "Unsupported value: 'temperature' does not support "
            f"{body['temperature']} with this model. Only the default (1) value is "
            "supported.",
        )


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
    """Refuse a result without its call, and a call without its result."""
    open_calls: list[str] = []
    for message in [*messages, {"role": "user"}]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refused(400, "a tool message must answer a call before it")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise Refused(400, f"the call {open_calls[0]} has no result")
        else:
            open_calls = _call_ids(message.get("tool_calls") or [])


def _call_ids(calls: object) -> list[str]:
    try:
        ids = [call["id"] for call in calls]  # type: ignore[attr-defined]
        functions = [call["function"] for call in calls]  # type: ignore[attr-defined]
        texts = [function[key] for function in functions for key in NAME_AND_ARGUMENTS]
    except (TypeError, KeyError) as error:
        raise Refused(400, "tool_calls need id, and name and arguments") from error
    if not all(isinstance(text, str) for text in (*ids, *texts)):
        raise Refused(400, "id, name and arguments of tool_calls must be strings")
    return ids


def _functions(tools: object, choice: object) -> tuple[Function, ...]:
    """The functions that may be called: none with tool_choice "none"."""
    if choice not in (None, "auto", "none"):
        raise Refused(400, f"tool_choice {choice!r}: the sandbox has auto and none")
    if not isinstance(tools, list | None):
        raise Refused(400, "tools must be a list")
    functions = tuple(map(_function, tools or ()))
    return () if choice == "none" else functions


def _function(tool: object) -> Function:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        raise Refused(400, "a tool needs a function")
    schema = function.get("parameters", {})
    if not isinstance(schema, dict):
        raise Refused(400, "parameters of a function must be a JSON Schema")
    description = str(function.get("description") or "")
    return Function(_text(function, "name"), description, schema)


def _voice(audio: object) -> str:
    if audio is None:
        return ""
    if not isinstance(audio, dict):
        raise Refused(400, "audio must be an object")
    return _text(audio, "voice")
