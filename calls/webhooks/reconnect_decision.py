"""TODO."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Fresh sessions that a call is given before it is given up.
MAX_RECONNECTS = 3


class ReconnectDecision(StrEnum):
    """What the carrier is told to do with a call that has lost its session."""

    RECONNECT = "reconnect"  # with a fresh relay
    REPEAT = "repeat"  # the answer it was given before
    TRANSFER = "put-through"  # to a person, as the lost session was about to
    IGNORE = "ignore"  # nothing, it has gone on
    GIVE_UP = "give-up"  # apologise, and put the caller through or hang up


@dataclass(frozen=True, slots=True)
class RelayState:
    """What is known of a call; `lost` are its sessions that were replaced, in order.

    `has_offer` says that a relay was given out that nobody has connected to yet,
    `leaves` that the caller is on the way to a person. `reconnects` counts only what
    was lost, not who came back from a person.
    """

    is_open: bool
    reconnects: int = 0
    lost: Sequence[str] = ()
    has_open_token: bool = False
    is_transferring: bool = False


def decide(call: RelayState, session_id: str) -> ReconnectDecision:
    """Judge the carrier's report that a session failed; it may come again, and late.

    The carrier repeats a report whose answer it never got, so that answer is repeated.
    Once the next session has begun nobody waits for an answer any more.
    """
    is_known = bool(session_id) and session_id in call.lost
    if is_known and session_id != call.lost[-1]:
        return ReconnectDecision.IGNORE
    if not call.is_open:
        return ReconnectDecision.GIVE_UP if is_known else ReconnectDecision.IGNORE
    if is_known and call.has_open_token:
        return ReconnectDecision.REPEAT
    if call.is_transferring:
        return ReconnectDecision.TRANSFER
    if is_known:
        return ReconnectDecision.IGNORE
    if call.reconnects >= MAX_RECONNECTS:
        return ReconnectDecision.GIVE_UP
    return ReconnectDecision.RECONNECT
