"""Decides how a call goes on after Twilio reports that its relay session failed. Pure.

RelayState, the facts the decision rests on → decide → ReconnectDecision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# A call gets this many new relay sessions before it is given up.
MAX_RECONNECTS = 3


class ReconnectDecision(StrEnum):
    """The answer to the report that a relay session failed. Values label a metric."""

    RECONNECT = "reconnect"  # a new relay session
    REPEAT = "repeat"  # the same answer as to the first report
    TRANSFER = "put-through"  # the transfer that the lost session was about to start
    IGNORE = "ignore"  # nothing: the call has gone on already
    GIVE_UP = "give-up"  # an apology, then a transfer or the end of the call


@dataclass(frozen=True, slots=True)
class RelayState:
    """The state of a call's relay sessions.

    `lost` holds the ids of the sessions that were replaced, in order. `reconnects`
    counts only lost sessions, not callers who returned from a transfer.
    `has_open_token` is true while no socket has used the latest relay token.
    """

    is_open: bool
    reconnects: int = 0
    lost: Sequence[str] = ()
    has_open_token: bool = False
    is_transferring: bool = False


def decide(call: RelayState, session_id: str) -> ReconnectDecision:
    """Decide on a report that a session failed. Reports come late, and repeatedly.

    Twilio repeats a report if the answer never arrived, so the answer is repeated too.
    Once the next session has begun, Twilio no longer waits for an answer.
    """
    is_repeated = bool(session_id) and session_id in call.lost
    if is_repeated and session_id != call.lost[-1]:
        return ReconnectDecision.IGNORE
    if not call.is_open:
        return ReconnectDecision.GIVE_UP if is_repeated else ReconnectDecision.IGNORE
    if is_repeated and call.has_open_token:
        return ReconnectDecision.REPEAT
    if call.is_transferring:
        return ReconnectDecision.TRANSFER
    if is_repeated:
        return ReconnectDecision.IGNORE
    if call.reconnects >= MAX_RECONNECTS:
        return ReconnectDecision.GIVE_UP
    return ReconnectDecision.RECONNECT
