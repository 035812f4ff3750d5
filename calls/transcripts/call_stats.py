"""Statistics of an ended call, computed from its turns, for the lists of calls."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from calls.models import Call, Turn

FIELDS = [
    "turn_count",
    "slowest_response_ms",
    "was_interrupted",
    "had_error",
    "caller_was_silent",
]


def update_stats(call_ids: Iterable[int]) -> None:
    """Write the statistics of these calls, as their turns are now."""
    ids = list(call_ids)
    calls = Call.objects.only("id", "end_reason", "answered_at").in_bulk(ids)
    turns = Turn.objects.filter(call__in=ids).order_by("call", "index")
    turns = turns.only("call_id", "role", "interrupted", "error", "latency_ms")
    by_call = {pk: list(rows) for pk, rows in groupby(turns, lambda turn: turn.call_id)}
    for pk, call in calls.items():
        for name, value in stats_of(call, by_call.get(pk, [])).items():
            setattr(call, name, value)
    Call.objects.bulk_update(calls.values(), FIELDS)


def stats_of(call: Call, turns: list[Turn]) -> dict[str, Any]:
    """The values of FIELDS. A caller is silent who answered but never spoke."""
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
    """The longest time a caller waited for the bot's answer to be played.

    Bot turns before the caller's first turn do not count: they answer nothing.
    """
    waits, has_spoken = [], False
    for turn in turns:
        has_spoken = has_spoken or turn.role == Turn.Role.CALLER
        if has_spoken and turn.role == Turn.Role.BOT:
            waits.append(turn.latency_ms.get("play_sent"))
    return max((int(ms) for ms in waits if is_milliseconds(ms)), default=None)


def is_milliseconds(ms: Any) -> bool:
    """True for a plausible duration; stored latencies may hold other values."""
    return isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < 2**31
