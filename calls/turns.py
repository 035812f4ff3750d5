"""One thing said in a call, as the conversation keeps it."""

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["caller", "bot", "system"]


@dataclass(slots=True)
class Turn:
    """A turn of the caller or the bot; times are seconds on the call's monotonic clock.

    `text` is what was transcribed or written, `heard` what the caller heard of it.
    `shown` replaces both in the transcript where the words are secret. An `aside`
    ("mhm") is not for the model. Role `system` marks what the bot did not mean to say.
    """

    index: int
    role: Role
    started_at: float
    text: str = ""
    heard: str = ""
    shown: str | None = None
    aside: bool = False
    interrupted: bool = False
    ended_at: float | None = None
    latency_ms: dict[str, int] = field(default_factory=dict)
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
