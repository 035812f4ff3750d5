"""The data of one streamed event in, typed events out.

Field names are those of the OpenAI chat completion chunk plus Inworld's `delta.audio`.
Nothing here raises: unknown and malformed parts are left out.
"""

from dataclasses import dataclass
from typing import Any

import pybase64

from bots.audio.containers import container_of
from bots.audio.wav import BadWav, has_header, unwrap
from bots.config.text import clean, read_json


@dataclass(frozen=True, slots=True)
class ModelChosen:
    """The model that answers; it may be a fallback."""

    model: str


@dataclass(frozen=True, slots=True)
class Text:
    """More of the model's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of the speech that comes next, or that came just before."""

    text: str


@dataclass(frozen=True, slots=True)
class Audio:
    """Speech: 16-bit little-endian mono PCM, perhaps cut in the middle of a sample.

    `sample_rate` (Hz) is set where a WAV header stood before the samples.
    """

    data: bytes
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class UnplayableAudio:
    """Data in the place of speech that would be noise, such as MP3; says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A part of a function call: id and name come once, `arguments` in pieces."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written for this reply."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Failed:
    """An error inside the stream; `code` is Inworld's number or word, or empty."""

    message: str
    code: str


@dataclass(frozen=True, slots=True)
class Done:
    """The stream is complete."""


Event = (
    ModelChosen
    | Text
    | Transcript
    | Audio
    | UnplayableAudio
    | ToolCallPart
    | Usage
    | Failed
    | Done
)


def parse(payload: str) -> list[Event]:
    """Read one event's data; unknown or malformed parts give nothing."""
    if payload.strip() == "[DONE]":
        return [Done()]
    chunk = read_json(payload)
    if chunk is None and "\n" in payload:
        # A sender that leaves out the blank lines turns several chunks into one event.
        return [event for line in payload.split("\n") for event in parse(line)]
    if not isinstance(chunk, dict):
        return []
    return [
        *([ModelChosen(model)] if (model := _text(chunk, "model")) else []),
        *_choice_events(_first(chunk.get("choices"))),
        *_usage(_dict(chunk, "usage")),
        *_failure(chunk.get("error")),
    ]


def _choice_events(choice: dict[str, Any]) -> list[Event]:
    delta = _dict(choice, "delta")
    audio = _dict(delta, "audio")
    return [
        *([Text(text)] if (text := _text(delta, "content")) else []),
        *([Transcript(text)] if (text := _text(audio, "transcript")) else []),
        *([_sound(data)] if (data := _bytes(audio, "data")) else []),
        *_tool_calls(delta.get("tool_calls")),
    ]


def _sound(data: bytes) -> Audio | UnplayableAudio:
    try:
        if has_header(data):
            pcm = unwrap(data)
            return Audio(pcm.data, pcm.sample_rate)
        if container := container_of(data):
            raise BadWav(f"{container} instead of samples")
    except BadWav as error:
        return UnplayableAudio(str(error))
    return Audio(data)


def _tool_calls(listed: object) -> list[Event]:
    calls = listed if isinstance(listed, list) else []
    return [
        _tool_call(position, call)
        for position, call in enumerate(calls)
        if isinstance(call, dict)
    ]


def _tool_call(position: int, call: dict[str, Any]) -> ToolCallPart:
    function, index = _dict(call, "function"), call.get("index")
    return ToolCallPart(
        index if type(index) is int else position,
        _text(call, "id"),
        _text(function, "name"),
        _text(function, "arguments"),
    )


def _usage(usage: dict[str, Any]) -> list[Event]:
    counts = [_count(usage, "prompt_tokens"), _count(usage, "completion_tokens")]
    return [Usage(*counts)] if any(counts) else []


def _failure(error: object) -> list[Event]:
    if not error:
        return []
    fields = error if isinstance(error, dict) else {"message": error}
    code = _text(fields, "code") or str(_count(fields, "code") or "")
    message = _text(fields, "message") or _text(fields, "type") or "no explanation"
    return [Failed(message, code)]


def _first(choices: object) -> dict[str, Any]:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return {}


def _dict(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(parent: dict[str, Any], key: str) -> str:
    value = parent.get(key)
    return clean(value) if isinstance(value, str) else ""


def _count(parent: dict[str, Any], key: str) -> int:
    value = parent.get(key)
    return value if type(value) is int else 0


def _bytes(parent: dict[str, Any], key: str) -> bytes:
    value = parent.get(key)
    if not isinstance(value, str):
        return b""
    try:
        return pybase64.b64decode(value, validate=True)
    except ValueError:
        return b""
