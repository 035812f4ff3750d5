"""A call as an operator reads it: what was said, when, and with which settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django.conf import settings as settings_of_django
from django.urls import reverse

from calls.models import Call, Turn
from calls.review.latency_waterfall import LABELS, Stage, stages
from calls.review.settings_used import settings_used
from calls.review.status import display_status
from calls.review.tool_call_view import ToolCallView, use
from calls.review.visibility import for_list, variables
from calls.turns.clip_ids import PHRASE_TTL_SECONDS
from calls.turns.heard_text import split_at_heard
from calls.turns.turn import TurnKind

# What else may stand among a turn's latencies (the stages are in latency_waterfall).
EVENTS = {
    "retry": "asked once more",
    "fallback": "asked another model",
    "apology": "apologised",
    "transfer": "gave up and put through",
    "hang_up": "gave up",
}
# How long a tool took stands with its use (see calls.review.tool_call_view).
TOOK = "tool"
# Keys as the transcript spells them (see calls.conversation.dtmf).
PRESSED = re.compile(r"\[pressed ([^\]]*)\]")
# How long before its turn to be played a clip may have been made, in seconds.
MAX_QUEUE_SECONDS = 120
# Kinds of turns whose sentences are no fixed ones, although no model is named.
WRITTEN_FOR_ONE_CALL = {TurnKind.OPERATOR, TurnKind.DIGIT_PROMPT}
# The caller hears the bot from here on; the first of these that was measured counts.
ANSWERED = ("play_sent", "first_clip", "first_audio")


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn, ready to be shown."""

    turn: Turn
    offset: str
    heard: list[tuple[str, str]]
    not_heard: str
    waited: str
    stages: list[Stage]
    events: list[tuple[str, str]]
    clips: list[str]
    interrupted_by: bool  # the caller's turn follows
    use: ToolCallView | None  # of a tool


def format_offset(length: timedelta) -> str:
    """Write a length of time as m:ss, or h:mm:ss from an hour on."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def call_context(call: Call, at: datetime, *, hide: bool) -> dict[str, Any]:
    """Everything the page of a call shows, as it is known `at` this moment.

    With `hide` it is for somebody who may not see people's numbers.
    """
    settings = list(settings_used(call, hide=hide))
    return {
        "title": f"Call from {for_list(call)[0] or 'an unknown number'}",
        "subtitle": None,
        "call": call,
        "status": display_status(call),
        "is_open": call.status not in Call.OVER,
        "length": "-" if call.duration is None else format_offset(call.duration),
        "variables": sorted(variables(call, hide=hide).items()),
        "conversation": list(conversation(call, at)),
        "settings_used": settings,
        "changed_since": sum(setting.changed for setting in settings),
        "neighbours": neighbours(call),
        "sound_minutes": settings_of_django.CLIP_TTL_SECONDS // 60,
    }


def neighbours(call: Call) -> dict[str, Call | None]:
    """The calls of the same caller before and after this one."""
    if not call.from_number:
        return {}
    others = Call.objects.filter(from_number=call.from_number, is_test=call.is_test)
    others = others.exclude(pk=call.pk).defer("settings")
    older = others.filter(started_at__lte=call.started_at).order_by("-started_at", "pk")
    newer = others.filter(started_at__gt=call.started_at).order_by("started_at", "pk")
    return {"older": older.first(), "newer": newer.first()}


def conversation(call: Call, at: datetime) -> Iterator[TurnView]:
    """Tell the call turn by turn; one query, however long it was."""
    begin = call.answered_at or call.started_at
    turns = list(call.turns.order_by("index"))
    for turn, after in zip_longest(turns, turns[1:]):
        heard, not_heard = turn.text, ""
        if _cut_short(turn, call):
            heard, not_heard = split_at_heard(turn.text, turn.heard_text)
        yield TurnView(
            turn=turn,
            offset=format_offset(turn.started_at - begin),
            heard=parts_of(heard) if turn.role == Turn.Role.CALLER else [(heard, "")],
            not_heard=not_heard,
            waited=_waited(turn.latency_ms),
            stages=stages(turn.latency_ms),
            events=_events(turn.latency_ms),
            clips=clips(turn, at),
            interrupted_by=after is not None and after.role == Turn.Role.CALLER,
            use=use(turn.tool_call, turn.latency_ms),
        )


def parts_of(text: str) -> list[tuple[str, str]]:
    """What a caller said and pressed, in order: either words or keys in each part."""
    parts, said = [], 0
    for entry in PRESSED.finditer(text):
        if before := text[said : entry.start()].strip():
            parts.append((before, ""))
        parts.append(("", entry.group(1)))
        said = entry.end()
    rest = text[said:].strip() if parts else text
    return [*parts, (rest, "")] if rest else parts


def clips(turn: Turn, at: datetime) -> list[str]:
    """Where the sound of a turn is to be had; nothing when it has surely expired."""
    # Clips of fixed sentences are kept for other calls.
    kept = float(settings_of_django.CLIP_TTL_SECONDS + MAX_QUEUE_SECONDS)
    if not turn.model and turn.kind not in WRITTEN_FOR_ONE_CALL:
        kept = PHRASE_TTL_SECONDS
    if at - (turn.ended_at or turn.started_at) > timedelta(seconds=kept):
        return []
    return [
        reverse("admin:calls_call_clip", args=[turn.call_id, turn.index, position])
        for position in range(len(turn.clip_ids))
    ]


def _cut_short(turn: Turn, call: Call) -> bool:
    # While the bot still speaks, what was heard is not known yet.
    speaking = turn.ended_at is None and call.ended_at is None
    if turn.role != Turn.Role.BOT or (speaking and not turn.interrupted):
        return False
    return turn.heard_text.split() != turn.text.split()


def _waited(latency: dict[str, Any]) -> str:
    """Say how long the caller waited for an answer."""
    measured = (latency.get(stage) for stage in ANSWERED)
    wait = next((ms for ms in measured if isinstance(ms, int | float)), None)
    return "" if wait is None else f"{wait / 1000:.2f} s"


def _events(latency: dict[str, Any]) -> list[tuple[str, str]]:
    """What the stages do not tell: a second attempt, an apology, anything unknown."""
    told = EVENTS.keys() | LABELS.keys() | {TOOK}
    order = [*EVENTS, *sorted(latency.keys() - told)]
    return [
        (EVENTS.get(name, _words(name)), _milliseconds(latency[name]))
        for name in order
        if latency.get(name) is not None
    ]


def _milliseconds(value: Any) -> str:
    return f"{value:,.0f} ms" if isinstance(value, int | float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
