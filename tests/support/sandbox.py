"""The sandbox as a process, and requests to it."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

ROOT = Path(settings.BASE_DIR)

ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}


def command(*options: str) -> list[str]:
    return [sys.executable, "manage.py", "sandbox", "--port", "0", *options]


def address(line: str) -> str:
    assert line.startswith("sandbox listening on http://127.0.0.1:"), line
    return line.split()[-1]


def loudness(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


STORY_PLEASE = "Tell me a long story."


def chat_body(said: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {
        "model": "openai/gpt-4.1-mini",
        "stream": True,
        "audio": {"voice": "Clive", "model": "inworld-tts-2"},
        "messages": [{"role": "user", "content": said}],
    } | fields
