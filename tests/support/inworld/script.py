"""Scripts for the fake Inworld: raw chunks as Inworld sends them, and faults."""

import asyncio
import base64
import io
import json
import math
import re
import wave
from array import array
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PIECE_BYTES = 9_600  # 0.1 s at 48 kHz
SAMPLES_FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold the reply until `resume()`; as the first step, also its headers."""


@dataclass(frozen=True, slots=True)
class Delay:
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection; as the first step, before any answer."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with a complete body instead of a stream."""

    code: int
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, dict[str, str]]:
        """The body's bytes and all headers."""
        if isinstance(self.body, str):
            return self.body.encode(), {"Content-Type": "text/plain", **self.headers}
        words = {"message": f"status {self.code}", "type": "test", "code": self.code}
        body = {"error": words} if self.body is None else self.body
        return json.dumps(body).encode(), {
            "Content-Type": "application/json",
            **self.headers,
        }


@dataclass(slots=True)
class Repeat:
    """Send a piece again and again, until the test has seen enough."""

    piece: bytes
    every: float  # seconds
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0  # sent so far


Step = bytes | Pause | Repeat | Delay | Cut | Status


def event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({**_ENVELOPE, "choices": [choice]})


def content(text: str) -> bytes:
    return chunk({"content": text})


def transcript(text: str) -> bytes:
    return chunk({"audio": {"transcript": text}})


def audio(samples: bytes) -> bytes:
    return chunk({"audio": {"data": base64.b64encode(samples).decode()}})


def finish(reason: str = "stop") -> bytes:
    return chunk({}, reason)


def usage(prompt: int = 9, completion: int = 9) -> bytes:
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion}
    total = {"total_tokens": prompt + completion}
    return event({**_ENVELOPE, "choices": [], "usage": {**tokens, **total}})


def error(message: str = "upstream provider failed", code: int = 502) -> bytes:
    return event({"error": {"message": message, "type": "server_error", "code": code}})


_ENVELOPE = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "model": "openai/gpt-4.1-mini",
}
ROLE = chunk({"role": "assistant", "content": None})
DONE = b"data: [DONE]\n\n"


def sample(name: str) -> bytes:
    """A stored stream: recorded from Inworld, or malformed on purpose."""
    return (SAMPLES_FOLDER / f"{name}.sse").read_bytes()


@cache
def tone(seconds: float, rate: int = 48_000) -> bytes:
    """A quiet 220 Hz tone: 16-bit mono PCM."""
    step = 2 * math.pi * 220 / rate
    return array(
        "h", (int(2000 * math.sin(step * n)) for n in range(round(seconds * rate)))
    ).tobytes()


def speech(*sentences: str, seconds: float = 0.2) -> list[Step]:
    """Text, transcript and `seconds` of audio for each sentence, in Inworld's order."""
    steps: list[Step] = []
    for number, sentence in enumerate(sentences):
        text = f" {sentence}" if number else sentence
        steps += map(content, re.findall(r"\s*\S+", text))
        steps.append(transcript(text))
        samples = tone(seconds)
        for start in range(0, len(samples), PIECE_BYTES):
            steps.append(audio(samples[start : start + PIECE_BYTES]))
    return steps


def tool_call(
    name: str, arguments: dict[str, Any], call_id: str = "call_1"
) -> list[Step]:
    """A complete stream that calls one function, its arguments in pieces."""
    written = json.dumps(arguments)
    function = {"name": name, "arguments": ""}
    start_of_call = {
        "index": 0,
        "id": call_id,
        "type": "function",
        "function": function,
    }
    steps: list[Step] = [ROLE, chunk({"tool_calls": [start_of_call]})]
    for start in range(0, len(written), 6):
        more = {"arguments": written[start : start + 6]}
        steps.append(chunk({"tool_calls": [{"index": 0, "function": more}]}))
    return [*steps, finish("tool_calls"), DONE]


def complete_reply(*sentences: str, seconds: float = 0.2) -> list[Step]:
    """Return a complete reply, from the role to [DONE]."""
    spoken = speech(*sentences, seconds=seconds)
    return [ROLE, *spoken, finish(), usage(), DONE]


def in_one_piece(text: str) -> Status:
    """Return a text as the Router answers a request without a stream."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    kind = {"object": "chat.completion", "choices": [choice]}
    return Status(200, {**_ENVELOPE, **kind})


def wav(samples: bytes, rate: int) -> bytes:
    """A WAV file of 16-bit mono samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.getvalue()


SAMPLE_VOICES: list[dict[str, Any]] = [
    {
        "name": "workspaces/inworld/voices/Alex",
        "voiceId": "Alex",
        "langCode": "EN_US",
        "displayName": "Alex",
        "description": "Energetic and expressive mid-range male voice, with a mildly "
        "nasal quality",
        "tags": ["friendly", "expressive"],
        "categories": ["companions"],
        "source": "SYSTEM",
        "gender": "male",
        "ageGroup": "middle_aged",
        "promptLanguages": ["en-US"],
    },
    {
        "name": "workspaces/w1/voices/my_clone",
        "voiceId": "w1__my_clone",
        "langCode": "EN_US",
        "displayName": "John",
        "description": "Cloned voice for narrations.",
        "tags": ["demo", "clone"],
        "categories": [],
        "source": "IVC",
        "gender": "",
        "ageGroup": "",
        "promptLanguages": ["en-US"],
    },
]
