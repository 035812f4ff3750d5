"""Places of the transcript's lines in the recorded sound of a call. Pure.

A line is stored when its text is known: a caller's after their last word, a bot's when
its sound is sent. The sound begins before the one and after the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# An unhurried caller, and how long Twilio waits before it takes an utterance as ended.
CHARACTERS_PER_SECOND = 14.0
END_OF_SPEECH_SECONDS = 0.7
# Hides secret keys in the transcript.
MASK = "••••"
# A key may sound a little longer than it takes to be reported.
KEY_LASTS = timedelta(seconds=0.5)

# A turn as it is stored.
Line = Any


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time of one recording."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A recording, counted from 0, and the second of it in which a line begins."""

    part: int
    seconds: float


def places(lines: Iterable[Line], stretches: Sequence[Stretch]) -> dict[int, Place]:
    """The places of lines by their index; lines that nobody can hear have none."""
    found = {}
    for line, spoken in _spoken(lines):
        for part, stretch in enumerate(stretches):
            if stretch.begins < spoken.ends and spoken.begins < stretch.ends:
                seconds = (spoken.begins - stretch.begins).total_seconds()
                found[line.index] = Place(part, round(max(seconds, 0.0), 2))
                break
    return found


def secret_stretches(lines: Sequence[Line]) -> Iterator[Stretch]:
    """The times in which a caller typed keys that the transcript hides."""
    before = None
    for line, spoken in _spoken(lines):
        if line.role == "caller" and MASK in line.text:
            yield Stretch(before or spoken.begins, spoken.ends + KEY_LASTS)
        before = spoken.ends
    for line in lines:
        if line.role == "tool" and MASK in str(line.tool_call.get("result")):
            ends = line.ended_at or line.started_at
            yield Stretch(line.started_at, ends + KEY_LASTS)


def _spoken(lines: Iterable[Line]) -> Iterator[tuple[Line, Stretch]]:
    """The lines that were heard, and from when to when."""
    before: datetime | None = None
    for line in lines:
        if line.role == "bot" and line.heard_text.strip():
            begins = line.started_at + _delay(line)
            ends = max(line.ended_at or begins, begins + timedelta(seconds=0.1))
        elif line.role == "caller" and line.text:
            begins = line.started_at - _spoken_for(line.text)
            # People hear the others out, unless they interrupt.
            begins = min(max(begins, before or begins), line.started_at)
            ends = line.ended_at or line.started_at
        else:
            continue
        before = ends
        yield line, Stretch(begins, ends)


def _delay(line: Line) -> timedelta:
    """From the time when a bot's sound was sent to that when it was heard."""
    sent, heard = map(line.latency_ms.get, ("play_sent", "playback_started"))
    if sent is None or heard is None:
        return timedelta()
    return timedelta(milliseconds=max(heard - sent, 0))


def _spoken_for(text: str) -> timedelta:
    return timedelta(seconds=len(text) / CHARACTERS_PER_SECOND + END_OF_SPEECH_SECONDS)
