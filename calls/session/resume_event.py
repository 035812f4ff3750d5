"""Builds the event with which a new session resumes a call after a reconnect."""

from collections.abc import Mapping, Sequence

from calls import models
from calls.conversation.events import CallResumed
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.transcripts.stored_turns import turn_of

# Assumed seconds from a lost relay to the next socket, if the loss was not recorded.
MAX_RESUME_GAP = 1.5


def resume_event(
    call: Call,
    earlier_turns: Sequence[models.Turn],
    clock: Clock,
    values: Mapping[str, str],
    minute: int,
) -> CallResumed:
    """The first event of a session that resumes a call; `values` are its variables."""
    disconnected_at = clock.started - MAX_RESUME_GAP
    if call.disconnected_at:
        disconnected_at = clock.monotonic_time(call.disconnected_at)
    age = clock.started_at - (call.answered_at or call.started_at)
    turns = tuple(turn_of(row, clock) for row in earlier_turns)
    seconds = max(age.total_seconds(), 0.0)
    returned = str(call.transfer.get("returned", ""))
    return CallResumed(turns, disconnected_at, seconds, values, minute, returned)
