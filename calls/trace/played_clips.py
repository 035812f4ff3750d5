"""The sounds of a traced call on our own clock: sent, downloaded, played. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from calls.trace.trace_file import Line, Trace
from calls.turns.clip import CHARACTERS_PER_SECOND
from calls.turns.playback import FETCHED_DELAY, START_DELAY


@dataclass(frozen=True, slots=True)
class PlayedClip:
    """A sound in Twilio's queue; times in milliseconds since the call began.

    `id` is empty for Twilio's own voice. A clip that was purged ends before it starts.
    """

    id: str
    sent: float
    seconds: float
    starts: float
    ends: float
    fetched: float | None
    interruptible: bool

    @property
    def was_played(self) -> bool:
        return self.ends > self.starts

    def plays_within(self, run: tuple[float, float]) -> float:
        """For how much of a stretch of time it plays."""
        return max(min(self.ends, run[1]) - max(self.starts, run[0]), 0.0)


def played_clips(trace: Trace) -> list[PlayedClip]:
    """Every sound that was sent, in order."""
    clips: list[PlayedClip] = []
    lengths = _lengths(trace)
    fetches = trace.of("fetch")
    for line in trace.lines:
        if line.kind == "in" and line.get("type") == "interrupt":
            clips = [_cut(clip, line.ms) for clip in clips]
        elif line.kind == "out" and line.get("type") in ("play", "text"):
            name = clip_of(line)
            fetched = _take_fetch(fetches, name, line.ms) if name else None
            seconds = lengths.get(name, len(line.text("token")) / CHARACTERS_PER_SECOND)
            start = line.ms + START_DELAY * 1000
            if fetched is not None:
                start = fetched + FETCHED_DELAY * 1000
            start = max([start, *(clip.ends for clip in clips[-1:])])
            ends = start + seconds * 1000
            free = line.get("interruptible") not in (False, "none")
            clips.append(PlayedClip(name, line.ms, seconds, start, ends, fetched, free))
    return clips


def clip_of(line: Line) -> str:
    """The id of the clip in a `play` frame; empty for another."""
    return line.text("source").rpartition("/")[2]


def _lengths(trace: Trace) -> dict[str, float]:
    """Seconds by id of clip."""
    clips = (line.get("clip") for line in trace.events("ClipReady"))
    return {
        str(clip.get("id")): float(clip.get("seconds") or 0)
        for clip in clips
        if isinstance(clip, Mapping)
    }


def _take_fetch(fetches: list[Line], name: str, sent: float) -> float | None:
    """The first download after the clip was sent that no earlier `play` explains."""
    for line in fetches:
        if line.get("clip") == name and line.ms >= sent - 1:
            fetches.remove(line)
            return line.ms
    return None


def _cut(clip: PlayedClip, at: float) -> PlayedClip:
    return replace(clip, ends=at) if clip.ends > at else clip
