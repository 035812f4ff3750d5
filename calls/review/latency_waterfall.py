"""The stages of a response's latency, as bars of a waterfall chart. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Keys of `Turn.latency_ms`: milliseconds since the caller's last word.
LABELS = {
    "request_sent": "model asked",
    "first_token": "first word of the text",
    "first_audio": "first sound",
    "first_clip": "sound ready to play",
    "play_sent": "sent to Twilio",
    "clip_fetched": "fetched by Twilio",
    "playback_started": "heard",
    "clip_complete": "sound complete",  # of a first clip that was sent while it grew
}
DAY_MS = 86_400_000
# The smallest part of the full width that is still visible.
MIN_WIDTH_SHARE = 0.006


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, in whole milliseconds; `total_ms` is the end of the last stage."""

    name: str
    label: str
    start_ms: int
    end_ms: int
    total_ms: int

    @property
    def took_ms(self) -> int:
        return self.end_ms - self.start_ms

    @property
    def left(self) -> float:
        """The start of its bar, in percent of the full width."""
        return round(min(100 * self.start_ms / self.total_ms, 100 - self.width), 2)

    @property
    def width(self) -> float:
        """The width of its bar, in percent of the full width."""
        return round(100 * max(self.took_ms / self.total_ms, MIN_WIDTH_SHARE), 2)


def stages(latency_ms: Mapping[str, Any]) -> list[Stage]:
    """The stages that were measured; missing and impossible values are left out."""
    if not isinstance(latency_ms, Mapping):  # an old or damaged row
        return []
    ends = {name: _plausible(latency_ms.get(name)) for name in LABELS}
    measured = {name: end for name, end in ends.items() if end is not None}
    total = max(measured.values(), default=0) or 1
    found, latest = [], 0
    for name, end in measured.items():
        # A stage may end before the one before it.
        start = min(latest, end)
        found.append(Stage(name, LABELS[name], start, end, total))
        latest = max(latest, end)
    return found


def _plausible(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value <= DAY_MS else None
