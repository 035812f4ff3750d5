"""What a list shows of a call, told by its turns once the call is over."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from calls.models import Call, Turn
from calls.post_call import queue

FIELDS = [
    "turn_count",
    "slowest_response_ms",
    "was_interrupted",
    "had_error",
    "caller_was_silent",
]
# Calls summarised at a time.
CHUNK = 500

StoredTurn = dict[str, Any]


def update_stats(call_ids: Iterable[int]) -> None:
    """Write the summary of these calls, and what is owed now that they are over.

    Belongs into the transaction that closes them; repeating it does no harm.
    """
    ids = sorted(call_ids)
    for begin in range(0, len(ids), CHUNK):
        _note_some(ids[begin : begin + CHUNK])
        queue.create_tasks(ids[begin : begin + CHUNK])


def _note_some(call_ids: list[int]) -> None:
    calls = Call.objects.only("id", "end_reason", "answered_at").in_bulk(call_ids)
    turns = Turn.objects.filter(call__in=call_ids).order_by("call", "index")
    turns = turns.only("call_id", "role", "interrupted", "error", "latency_ms")
    said = {pk: list(some) for pk, some in groupby(turns, lambda turn: turn.call_id)}
    for pk, call in calls.items():
        for name, value in stats_of(call, said.get(pk, [])).items():
            setattr(call, name, value)
    Call.objects.bulk_update(calls.values(), FIELDS)


def stats_of(call: Call, turns: list[Turn]) -> StoredTurn:
    """The fields that lists show; a silent call is one in which no caller spoke."""
    spoke = any(turn.role == Turn.Role.CALLER for turn in turns)
    failed = call.end_reason == Call.EndReason.BOT_FAILED
    return {
        "turn_count": len(turns),
        "slowest_response_ms": slowest_response_ms(turns),
        "was_interrupted": any(turn.interrupted for turn in turns),
        "had_error": failed or any(turn.error for turn in turns),
        "caller_was_silent": call.answered_at is not None and not spoke,
    }


def slowest_response_ms(turns: Iterable[Turn]) -> int | None:
    """The longest that a caller waited for the bot's answer to be played.

    What the bot says before the caller has spoken answers nothing.
    """
    waits, asked = [], False
    for turn in turns:
        asked = asked or turn.role == Turn.Role.CALLER
        if asked and turn.role == Turn.Role.BOT:
            waits.append(turn.latency_ms.get("play_sent"))
    return max((int(ms) for ms in waits if is_milliseconds(ms)), default=None)


def is_milliseconds(ms: Any) -> bool:
    """Whether something that stands among latencies is a time in milliseconds."""
    return isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < 2**31
