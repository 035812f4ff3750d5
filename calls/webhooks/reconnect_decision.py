"""TODO."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Fresh sessions that a call is given before it is given up.
MAX_RECONNECTS = 3


class Verdict(StrEnum):
    """What the carrier is told to do with a call that has lost its session."""

    RECONNECT = "reconnect"  # with a fresh relay
    REPEAT = "repeat"  # the answer it was given before
    PUT_THROUGH = "put-through"  # to a person, as the lost session was about to
    IGNORE = "ignore"  # nothing, it has gone on
    GIVE_UP = "give-up"  # apologise, and put the caller through or hang up


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a call; `lost` are its sessions that were replaced, in order.

    `has_offer` says that a relay was given out that nobody has connected to yet,
    `leaves` that the caller is on the way to a person. `reconnects` counts only what
    was lost, not who came back from a person.
    """

    is_open: bool
    reconnects: int = 0
    lost: Sequence[str] = ()
    has_offer: bool = False
    leaves: bool = False


def verdict(call: Standing, session_id: str) -> Verdict:
    """Judge the carrier's report that a session failed; it may come again, and late.

    The carrier repeats a report whose answer it never got, so that answer is repeated.
    Once the next session has begun nobody waits for an answer any more.
    """
    is_known = bool(session_id) and session_id in call.lost
    if is_known and session_id != call.lost[-1]:
        return Verdict.IGNORE
    if not call.is_open:
        return Verdict.GIVE_UP if is_known else Verdict.IGNORE
    if is_known and call.has_offer:
        return Verdict.REPEAT
    if call.leaves:
        return Verdict.PUT_THROUGH
    if is_known:
        return Verdict.IGNORE
    if call.reconnects >= MAX_RECONNECTS:
        return Verdict.GIVE_UP
    return Verdict.RECONNECT
