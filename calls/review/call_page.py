"""Prepares a call's page: its turns, their timing, and the settings used."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django.conf import settings as settings_of_django
from django.db.models import QuerySet
from django.urls import reverse

from bots.models import PhoneNumber
from calls.models import Call, Turn
from calls.review.latency_waterfall import LABELS, Stage, stages
from calls.review.settings_used import settings_used
from calls.review.sound_places import Place, Stretch, places
from calls.review.tool_call_view import ToolCallView, stored_tool_call_view
from calls.review.visibility import (
    for_list,
    mask_of,
    masked_call,
    masked_turns,
    variables,
)
from calls.turns.clip_ids import PHRASE_TTL_SECONDS
from calls.turns.heard_text import split_at_heard
from calls.turns.turn import TurnKind
from calls.twilio.relay_errors import explain

# Other keys of `Turn.latency_ms` (the stages are in latency_waterfall).
EVENTS = {
    "hedge": "asked a second model as well",
    "retry": "asked once more",
    "fallback": "asked another model",
    "apology": "apologised",
    "transfer": "gave up and transferred",
    "hang_up": "gave up",
}
# The key of a tool's duration (see calls.review.tool_call_view).
TOOL_MS = "tool"
# Digits as the transcript has them (see calls.conversation.dtmf).
PRESSED = re.compile(r"\[pressed ([^\]]*)\]")
# A clip may have waited this long before it was played.
MAX_QUEUE_SECONDS = 120
# Kinds of turns whose sentences are not fixed, although no model wrote them.
WRITTEN_FOR_ONE_CALL = {TurnKind.OPERATOR, TurnKind.DIGIT_PROMPT}
# From here on the caller hears the bot; the first stage that was measured counts.
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
    tool_call: ToolCallView | None
    place: Place | None  # in the recorded sound


def format_offset(length: timedelta) -> str:
    """Format a duration as m:ss, or h:mm:ss from an hour on."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def call_context(
    call: Call,
    at: datetime,
    recorded: Sequence[Stretch] = (),
    *,
    hide: bool,
    others: QuerySet[Call],
) -> dict[str, Any]:
    """The template context of a call's page at the given time.

    `others` are the calls that the page may link to, `recorded` the times of its sound.

    With `hide` it is for users who may not see phone numbers: it has none, and no links
    to other calls of the caller, which would tell that these have the same number.
    """
    title = f"Call from {for_list(call)[0] or 'an unknown number'}"
    links = {} if hide else neighbours(call, others)
    settings = list(settings_used(call, hide=hide))
    turns: Iterable[Turn] = call.turns.order_by("index")
    if hide:
        mask = mask_of(call)
        call, turns = masked_call(call, mask), masked_turns(turns, mask)
    return {
        "title": title,
        "subtitle": None,
        "call": call,
        "is_open": call.status not in Call.OVER,
        "length": "-" if call.duration is None else format_offset(call.duration),
        "twilio_error": explain(call.twilio_error_code),
        "variables": sorted(variables(call).items()),
        "conversation": list(conversation(call, turns, at, recorded)),
        "settings_used": settings,
        "changed_settings": [setting for setting in settings if setting.changed],
        "label": our_label(call),
        "neighbours": links,
        "sound_minutes": settings_of_django.CLIP_TTL_SECONDS // 60,
    }


def our_label(call: Call) -> str:
    """The label of our number; empty if it has none."""
    ours = PhoneNumber.objects.filter(number=call.our_number)
    return ours.values_list("label", flat=True).first() or ""


def neighbours(call: Call, others: QuerySet[Call]) -> dict[str, Call | None]:
    """The previous and the next call of the same caller."""
    if not call.caller:
        return {}
    others = others.filter(caller=call.caller, is_test=call.is_test)
    others = others.exclude(pk=call.pk).defer("settings")
    older = others.filter(started_at__lte=call.started_at).order_by("-started_at", "pk")
    newer = others.filter(started_at__gt=call.started_at).order_by("started_at", "pk")
    return {"older": older.first(), "newer": newer.first()}


def conversation(
    call: Call,
    turns: Iterable[Turn],
    at: datetime,
    recorded: Sequence[Stretch] = (),
) -> Iterator[TurnView]:
    """The turns of a call, ready to be shown."""
    start = call.answered_at or call.started_at
    turns = list(turns)
    in_sound = places(turns, recorded) if recorded else {}
    for turn, after in zip_longest(turns, turns[1:]):
        heard, not_heard = turn.text, ""
        if _cut_short(turn, call):
            heard, not_heard = split_at_heard(turn.text, turn.heard_text)
        yield TurnView(
            turn=turn,
            offset=format_offset(turn.started_at - start),
            heard=parts_of(heard) if turn.role == Turn.Role.CALLER else [(heard, "")],
            not_heard=not_heard,
            waited=_waited(turn.latency_ms),
            stages=stages(turn.latency_ms),
            events=_events(turn.latency_ms),
            clips=clips(turn, at),
            interrupted_by=after is not None and after.role == Turn.Role.CALLER,
            tool_call=stored_tool_call_view(turn.tool_call, turn.latency_ms),
            place=in_sound.get(turn.index),
        )


def parts_of(text: str) -> list[tuple[str, str]]:
    """Words and digits of a caller's turn in order; each part has one of them."""
    parts, end = [], 0
    for entry in PRESSED.finditer(text):
        if before := text[end : entry.start()].strip():
            parts.append((before, ""))
        parts.append(("", entry.group(1)))
        end = entry.end()
    rest = text[end:].strip() if parts else text
    return [*parts, (rest, "")] if rest else parts


def clips(turn: Turn, at: datetime) -> list[str]:
    """URLs of a turn's clips; empty if they have surely expired."""
    # Clips of fixed sentences are kept for other calls.
    lifetime = float(settings_of_django.CLIP_TTL_SECONDS + MAX_QUEUE_SECONDS)
    if not turn.model and turn.kind not in WRITTEN_FOR_ONE_CALL:
        lifetime = PHRASE_TTL_SECONDS
    if at - (turn.ended_at or turn.started_at) > timedelta(seconds=lifetime):
        return []
    return [
        reverse("admin:calls_call_clip", args=[turn.call_id, turn.index, position])
        for position in range(len(turn.clip_ids))
    ]


def _cut_short(turn: Turn, call: Call) -> bool:
    # While the bot speaks, it is not known yet how much was heard.
    speaking = turn.ended_at is None and call.ended_at is None
    if turn.role != Turn.Role.BOT or (speaking and not turn.interrupted):
        return False
    return turn.heard_text.split() != turn.text.split()


def _waited(latency: dict[str, Any]) -> str:
    """The time that the caller waited for an answer."""
    measured = (latency.get(stage) for stage in ANSWERED)
    wait = next((ms for ms in measured if isinstance(ms, int | float)), None)
    return "" if wait is None else f"{wait / 1000:.2f} s"


def _events(latency: dict[str, Any]) -> list[tuple[str, str]]:
    """Latencies beside the stages: retries, an apology, and unknown keys."""
    known = EVENTS.keys() | LABELS.keys() | {TOOL_MS}
    order = [*EVENTS, *sorted(latency.keys() - known)]
    return [
        (EVENTS.get(name, name.replace("_", " ")), _milliseconds(latency[name]))
        for name in order
        if latency.get(name) is not None
    ]


def _milliseconds(value: Any) -> str:
    return f"{value:,.0f} ms" if isinstance(value, int | float) else str(value)
