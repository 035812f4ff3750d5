"""Requests to a running sandbox, and its answers."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}


STORY_PLEASE = "Tell me a long story."


def command(*options: str) -> list[str]:
    return [sys.executable, "manage.py", "sandbox", "--port", "0", *options]


def address(line: str) -> str:
    assert line.startswith("sandbox listening on http://127.0.0.1:"), line
    return line.split()[-1]


def chat_body(said: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {
        "model": "openai/gpt-4.1-mini",
        "stream": True,
        "audio": {"voice": "Clive", "model": "inworld-tts-2"},
        "messages": [{"role": "user", "content": said}],
    } | fields


def stream(sandbox: httpx.Client, body: dict[str, Any]) -> list[Any]:
    """The events of a reply, decoded; `[DONE]` as that string."""
    response = sandbox.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream"
    lines = response.text.split("\n\n")
    assert lines.pop() == ""
    payloads = [line.removeprefix("data: ") for line in lines]
    return [p if p == "[DONE]" else json.loads(p) for p in payloads]


def deltas(events: list[Any]) -> list[dict[str, Any]]:
    return [e["choices"][0]["delta"] for e in events if e != "[DONE]" and e["choices"]]


def heard(events: list[Any]) -> bytes:
    audio = [delta.get("audio", {}) for delta in deltas(events)]
    return b"".join(base64.b64decode(part.get("data", "")) for part in audio)


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


def tts_body(encoding: str = "WAV", rate: int = 8000, **fields: Any) -> dict[str, Any]:
    return {
        "text": "Thanks for calling.",
        "voiceId": "Clive",
        "modelId": "inworld-tts-2",
        "audioConfig": {"audioEncoding": encoding, "sampleRateHertz": rate},
    } | fields


def synthesise(sandbox: httpx.Client, **body: Any) -> bytes:
    response = sandbox.post("/tts/v1/voice", json=tts_body(**body))
    assert response.status_code == 200
    usage = response.json()["usage"]
    assert usage == {"processedCharactersCount": 19, "modelId": "inworld-tts-2"}
    return base64.b64decode(response.json()["audioContent"])
