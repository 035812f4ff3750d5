"""Traces of made-up calls, line by line."""

import json
from typing import Any, Self

from calls.trace.trace_file import VERSION, Trace, read

START = {"version": VERSION, "wall": "2026-11-30T09:00:00+00:00", "monotonic": 5.0}


class TraceBuilder:
    """Writes lines at a time in seconds; every method returns the builder."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.add(0, "start", **START)

    def add(self, at: float, kind: str, **fields: Any) -> Self:
        self.lines.append(
            json.dumps({"ms": round(at * 1000, 3), "kind": kind, **fields})
        )
        return self

    def opened(self, at: float = 0.0, **config: Any) -> Self:
        self.add(at, "settings", config={"language": "en-US", **config})
        return self.add(at, "socket", state="open")

    def hears(self, at: float, kind: str, **fields: Any) -> Self:
        """Twilio sends a frame."""
        return self.add(at, "in", frame={"type": kind, **fields})

    def sends(self, at: float, kind: str, **fields: Any) -> Self:
        """We send a frame."""
        return self.add(at, "out", frame={"type": kind, **fields})

    def plays(
        self, at: float, clip: str, seconds: float, text: str = "", **fields: Any
    ) -> Self:
        """A clip is ready, sent, and downloaded at once."""
        ready = {"id": clip, "text": text, "seconds": seconds}
        self.add(at, "event", event="ClipReady", reply=1, clip=ready)
        self.sends(at, "play", source=f"https://bot.example.com/audio/{clip}", **fields)
        return self

    def fetches(self, at: float, clip: str, **fields: Any) -> Self:
        usual = {"method": "GET", "status": 200, "bytes": 100, "took_ms": 2.0}
        return self.add(at, "fetch", clip=clip, **usual | fields)

    def speaking(self, at: float, on: bool) -> Self:
        value = "on" if on else "off"
        return self.hears(at, "info", name="agentSpeaking", value=value)

    def asks_model(self, at: float, reply: int = 1, **fields: Any) -> Self:
        return self.add(at, "action", action="StartReply", reply=reply, **fields)

    def answers(self, at: float, reply: int = 1, **fields: Any) -> Self:
        """A model's answer is complete."""
        ended = {"text": "", "error": "", "retryable": True, "calls": [], **fields}
        return self.add(at, "event", event="ReplyEnded", reply=reply, **ended)

    def posts(self, at: float, path: str, **form: str) -> Self:
        """Twilio makes a request."""
        return self.add(at, "callback", path=path, form=form)

    def trace(self) -> Trace:
        return read(self.lines)
