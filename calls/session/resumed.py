"""TODO."""

from collections.abc import Mapping, Sequence

from calls import models
from calls.conversation.events import CallResumed
from calls.models import Call
from calls.transcripts.clock import Clock
from calls.transcripts.stored_turns import turn_of

# From the loss of a line to the socket of the next session, where nobody noted it (s).
TO_COME_BACK = 1.5


def resumed(
    call: Call,
    said: Sequence[models.Turn],
    clock: Clock,
    known: Mapping[str, str],
    minute: int,
) -> CallResumed:
    """The event that begins a session which carries on with a call."""
    lost_at = clock.started - TO_COME_BACK
    if call.lost_at:
        lost_at = clock.at(call.lost_at)
    age = clock.started_at - (call.answered_at or call.started_at)
    turns = tuple(turn_of(row, clock) for row in said)
    seconds = max(age.total_seconds(), 0.0)
    returned = str(call.transfer.get("returned", ""))
    return CallResumed(turns, lost_at, seconds, known, minute, returned)
