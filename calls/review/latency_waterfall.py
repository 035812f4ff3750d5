"""How an answer came about: what each stage took, in the order of things. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# As they stand in a turn's latencies, counted from the caller's last word.
LABELS = {
    "request_sent": "model asked",
    "first_token": "first token",
    "first_audio": "first audio",
    "first_clip": "first clip",
    "play_sent": "play sent",
    "clip_fetched": "fetched",
    "playback_started": "heard",
}
DAY_MS = 86_400_000
# The least of the whole width that can still be seen.
MIN_WIDTH_SHARE = 0.006


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; times in whole milliseconds, `total_ms` is that of all stages."""

    name: str
    label: str
    start_ms: int
    end_ms: int
    total_ms: int

    @property
    def took_ms(self) -> int:
        """How long this stage took by itself."""
        return self.end_ms - self.start_ms

    @property
    def left(self) -> float:
        """Where its bar begins, in percent of the whole."""
        return round(min(100 * self.start_ms / self.total_ms, 100 - self.width), 2)

    @property
    def width(self) -> float:
        """How wide its bar is, in percent of the whole."""
        return round(100 * max(self.took_ms / self.total_ms, MIN_WIDTH_SHARE), 2)


def stages(latency_ms: Mapping[str, Any]) -> list[Stage]:
    """The stages that were measured; what is missing or makes no sense is left out."""
    if not isinstance(latency_ms, Mapping):  # an old or damaged row
        return []
    ends = {name: _whole(latency_ms.get(name)) for name in LABELS}
    measured = {name: end for name, end in ends.items() if end is not None}
    total = max(measured.values(), default=0) or 1
    found, reached = [], 0
    for name, end in measured.items():
        # A stage may overtake the one before it, and then waited for nothing.
        begun = min(reached, end)
        found.append(Stage(name, LABELS[name], begun, end, total))
        reached = max(reached, end)
    return found


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value <= DAY_MS else None
