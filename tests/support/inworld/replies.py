"""Requests to Inworld for tests, and their events."""

from typing import Any

import httpx

from bots.inworld.client import Inworld, ReplyRequest, SpeechRequest
from bots.inworld.events import Event, Text
from bots.inworld.segment_policy import SegmentState, Split

KEY = "a2V5OnNlY3JldA=="
IMPATIENT = httpx.Timeout(connect=1, read=0.05, write=1, pool=0.05)
VOICING = SpeechRequest("Thanks for calling.", "Clive", "inworld-tts-2", "en-US")


def asking(text: str = "Hi", **changes: Any) -> ReplyRequest:
    fields: dict[str, Any] = {
        "model": "openai/gpt-4.1-mini",
        "messages": [{"role": "user", "content": text}],
        "voice": "Clive",
        "tts_model": "inworld-tts-2",
        "max_tokens": 300,
        "temperature": 0.7,
    }
    return ReplyRequest(**{**fields, **changes})


async def replied(inworld: Inworld, events: list[Event] | None = None) -> list[Event]:
    events = [] if events is None else events
    async with inworld.reply(asking()) as reply:
        async for event in reply:
            events.append(event)
    return events


def words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


class EndsWhenQuiet:
    """A policy that releases all sound whenever the stream is quiet."""

    def after_sound(self, state: SegmentState) -> bool | Split:
        return False

    def after_quiet(self, state: SegmentState, quiet: float) -> bool | Split:
        return True

    def look_after(self, state: SegmentState, quiet: float) -> float | None:
        return None

    def learn(self, text: str, seconds: float) -> None:
        pass
