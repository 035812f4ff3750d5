"""The data of one streamed event in, typed events out.

Field names are those of the OpenAI chat completion chunk plus Inworld's `delta.audio`.
Nothing here raises: unknown and malformed parts are left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pybase64

from bots.audio.containers import container_of
from bots.audio.wav import BadWav, has_header, unwrap
from bots.config.text import clean, read_json

TEXT_PARTS = (None, "text", "output_text")
# Names of a function's arguments: OpenAI's, Llama's, Anthropic's.
ARGUMENTS = ("arguments", "parameters", "input")
# Fields of a call that are the same for every provider.
STANDARD = frozenset({"index", "id", "type", "function", "name", *ARGUMENTS})
# Fields within `function` by which a provider recognises its own thoughts.
SIGNATURES = frozenset(
    {"extra_content", "thought_signature", "thoughtSignature", "signature"}
    | {"provider_specific_fields"}
)
# The same in a message: Google, OpenRouter, DeepSeek and others, LiteLLM, Copilot.
REASONING = frozenset(
    {"extra_content", "thought_signature", "reasoning_details", "reasoning_content"}
    | {"thinking_blocks", "provider_specific_fields", "reasoning_opaque"}
    | {"reasoning_text", "reasoning_signature", "encrypted_content"}
)
# Fields of a message with function calls; the second is OpenAI's former one.
CALLS = frozenset({"tool_calls", "function_call"})


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
    """A part of a function call: usually id and name once, `arguments` in pieces.

    `index` is missing where the provider does not number its calls. `fields` are those
    of the provider's own, which it may need back.
    """

    index: int | None
    id: str
    name: str
    arguments: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_text: bool = False  # it stood among the words of the reply


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Fields of a message that its provider needs back after a tool call."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """The model has ended its message; sound may still follow."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written for this reply."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0  # of the prompt, which the provider had in its cache


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
    | Reasoning
    | Finished
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
    model = _text(chunk, "model")
    events: list[Event] = [ModelChosen(model)] if model else []
    events += _choice_events(_choices(chunk))
    if usage := _dict(chunk, "usage"):
        events += _usage(usage)
    if error := chunk.get("error"):
        events.append(_failure(error))
    return events


def _choice_events(choices: list[dict[str, Any]]) -> list[Event]:
    events: list[Event] = []
    delta = _dict(choices[0], "delta") if choices else {}
    if text := content_text(delta.get("content")):
        events.append(Text(text))
    if audio := _dict(delta, "audio"):
        if text := _text(audio, "transcript"):
            events.append(Transcript(text))
        if data := _bytes(audio, "data"):
            events.append(_sound(data))
    if not REASONING.isdisjoint(delta):
        events += _reasoning(delta)
    # Some gateways put the calls into a choice of their own.
    for choice in choices:
        # The calls are in its delta, or the whole message is at its end.
        for message in (choice.get("delta"), choice.get("message")):
            if isinstance(message, dict) and not CALLS.isdisjoint(message):
                events += _tool_calls(message)
    if any(map(_is_finished, choices)):
        events.append(Finished())
    return events


def _is_finished(choice: dict[str, Any]) -> bool:
    reason = choice.get("finish_reason")
    return isinstance(reason, str) and bool(reason)


def content_text(content: object) -> str:
    """The text of a message; thoughts among its parts are left out."""
    if not isinstance(content, list):
        return clean(content) if isinstance(content, str) else ""
    texts = (part for part in content if isinstance(part, dict))
    return "".join(
        _text(part, "text") for part in texts if part.get("type") in TEXT_PARTS
    )


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


def _reasoning(delta: dict[str, Any]) -> list[Event]:
    fields = {
        name: value for name, value in delta.items() if name in REASONING and value
    }
    return [Reasoning(fields)] if fields else []


def _tool_calls(message: dict[str, Any]) -> Iterator[ToolCallPart]:
    listed = message.get("tool_calls")
    calls = listed if isinstance(listed, list) else [listed]
    for position, call in enumerate(calls):
        if isinstance(call, dict):
            yield tool_call_part(position if len(calls) > 1 else None, call)
    if isinstance(legacy := message.get("function_call"), dict):
        yield tool_call_part(None, {"function": legacy})


def tool_call_part(position: int | None, call: dict[str, Any]) -> ToolCallPart:
    """Read a call, or a part of one, in the forms of several providers."""
    function = _dict(call, "function") or call
    arguments = (function.get(name) for name in ARGUMENTS)
    more = {name: value for name, value in call.items() if name not in STANDARD}
    inner = {name: function[name] for name in function.keys() & SIGNATURES}
    return ToolCallPart(
        _index(call.get("index"), position),
        _text(call, "id"),
        _text(function, "name"),
        written(next((given for given in arguments if given is not None), "")),
        {**more, **({"function": inner} if inner and function is not call else {})},
    )


def _index(index: object, position: int | None) -> int | None:
    if isinstance(index, str) and index.isascii() and index.isdecimal():
        return int(index[:9])
    if isinstance(index, float) and index.is_integer():
        return int(index)
    return index if type(index) is int else position


def written(arguments: object) -> str:
    """Arguments as JSON text, also where a provider sends them as an object."""
    if isinstance(arguments, str):
        return clean(arguments)
    return json.dumps(arguments)


def _usage(usage: dict[str, Any]) -> list[Event]:
    found = usage_of(usage)
    return [found] if found else []


def usage_of(usage: object) -> Usage | None:
    """The tokens in the usage of an answer; None if it has none."""
    if not isinstance(usage, dict):
        return None
    read = _count(usage, "prompt_tokens")
    written_ones = _count(usage, "completion_tokens")
    cached = _count(_dict(usage, "prompt_tokens_details"), "cached_tokens")
    return Usage(read, written_ones, cached) if read or written_ones else None


def _failure(error: object) -> Failed:
    fields = error if isinstance(error, dict) else {"message": error}
    code = _text(fields, "code") or str(_count(fields, "code") or "")
    message = _text(fields, "message") or _text(fields, "type") or "no explanation"
    return Failed(message, code)


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices")
    listed = choices if isinstance(choices, list) else []
    return [choice for choice in listed if isinstance(choice, dict)]


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
