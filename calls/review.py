"""A call as an operator reads it: what was said, when, and with which settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from bots.models import Bot
from calls.models import Call, Turn

# From the caller's last word, in the order in which things happen.
STAGES = {
    "request_sent": "model asked",
    "first_token": "first word written",
    "first_audio": "first sound received",
    "first_clip": "first clip ready",
    "play_sent": "sent to the caller",
    "clip_fetched": "fetched by the carrier",
    "heard": "heard by the caller",
    "retry": "asked once more",
    "fallback": "asked another model",
    "apology": "apologised",
    "transfer": "gave up and put through",
    "hang_up": "gave up",
}
# The caller hears the bot from here on; the first of these that was measured counts.
ANSWERED = ("play_sent", "first_clip", "first_audio")


@dataclass(frozen=True, slots=True)
class Bubble:
    """One turn, ready to be shown."""

    turn: Turn
    offset: str
    heard: str
    not_heard: str
    waited: str
    stages: list[tuple[str, str]]


def clock(length: timedelta) -> str:
    """Write a length of time as m:ss, or h:mm:ss from an hour on."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def conversation(call: Call) -> Iterator[Bubble]:
    """Tell the call turn by turn; one query, however long it was."""
    begin = call.answered_at or call.started_at
    for turn in call.turns.order_by("index"):
        heard, not_heard = turn.text, ""
        if _cut_short(turn, call):
            heard, not_heard = split_at_heard(turn.text, turn.heard_text)
        yield Bubble(
            turn=turn,
            offset=clock(turn.started_at - begin),
            heard=heard,
            not_heard=not_heard,
            waited=_waited(turn.latency_ms),
            stages=_stages(turn.latency_ms),
        )


def _cut_short(turn: Turn, call: Call) -> bool:
    # While the bot still speaks, what was heard is not known yet.
    speaking = turn.ended_at is None and call.ended_at is None
    if turn.role != Turn.Role.BOT or (speaking and not turn.interrupted):
        return False
    return turn.heard_text.split() != turn.text.split()


def split_at_heard(text: str, heard: str) -> tuple[str, str]:
    """Divide a text into what was heard and the rest.

    Words are counted, because the carrier reports what it played with white space and
    spelling of its own; the last word may have been cut in two.
    """
    words = list(re.finditer(r"\S+", text))
    played = heard.split()
    if not played:
        return "", text
    if len(played) > len(words):
        return heard, ""
    last = words[len(played) - 1]
    cut = last.end()
    if last.group().startswith(played[-1]):
        cut = last.start() + len(played[-1])
    return text[:cut] if text[:cut].split() == played else heard, text[cut:]


def _waited(latency: dict[str, Any]) -> str:
    """Say how long the caller waited for an answer."""
    measured = (latency.get(stage) for stage in ANSWERED)
    wait = next((ms for ms in measured if isinstance(ms, int | float)), None)
    return "" if wait is None else f"{wait / 1000:.2f} s"


def _stages(latency: dict[str, Any]) -> list[tuple[str, str]]:
    order = [*STAGES, *sorted(latency.keys() - STAGES.keys())]
    return [
        (STAGES.get(stage, _words(stage)), _milliseconds(latency[stage]))
        for stage in order
        if latency.get(stage) is not None
    ]


def _milliseconds(value: Any) -> str:
    return f"{value:,.0f} ms" if isinstance(value, int | float) else str(value)


def settings_used(call: Call) -> Iterator[tuple[str, str]]:
    """Name and value of every setting the call ran with, in the bot page's words."""
    for name, value in call.settings.items():
        try:
            field = Bot._meta.get_field(name)
        except FieldDoesNotExist:  # a setting of an older or newer release
            yield _words(name), _readable(value, {})
        else:
            choices = dict(getattr(field, "flatchoices", ()))
            label = str(getattr(field, "verbose_name", name))
            yield label, _readable(value, choices)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _readable(value: Any, choices: dict[Any, Any]) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple):
        value = "\n".join(str(item) for item in value)
    if value in ("", None):
        return "-"
    return str(choices.get(value, value)) if not isinstance(value, dict) else str(value)
