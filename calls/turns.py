"""One thing said in a call, as the conversation keeps it."""

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["caller", "bot"]


@dataclass(slots=True)
class Turn:
    """A caller's or the bot's turn; times are seconds on the call's monotonic clock.

    `text` is what was transcribed or written, `heard` what the caller heard of it.
    `error` says in plain words what went wrong; such words are never the bot's own.
    """

    index: int
    role: Role
    started_at: float
    text: str = ""
    heard: str = ""
    interrupted: bool = False
    ended_at: float | None = None
    latency_ms: dict[str, int] = field(default_factory=dict)
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
