"""TODO."""

from collections.abc import Mapping, Sequence

from calls import models
from calls.conversation.events import CallResumed
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.transcripts.stored_turns import turn_of

# From the loss of a line to the socket of the next session, where nobody noted it (s).
MAX_RESUME_GAP = 1.5


def resumed(
    call: Call,
    said: Sequence[models.Turn],
    clock: Clock,
    known: Mapping[str, str],
    minute: int,
) -> CallResumed:
    """The event that begins a session which carries on with a call."""
    disconnected_at = clock.started - MAX_RESUME_GAP
    if call.disconnected_at:
        disconnected_at = clock.monotonic_time(call.disconnected_at)
    age = clock.started_at - (call.answered_at or call.started_at)
    turns = tuple(turn_of(row, clock) for row in said)
    seconds = max(age.total_seconds(), 0.0)
    returned = str(call.transfer.get("returned", ""))
    return CallResumed(turns, disconnected_at, seconds, known, minute, returned)
