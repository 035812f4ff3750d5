"""Decides how a call goes on after Twilio reports that its relay session failed. Pure.

RelayState, the facts the decision rests on → decide → ReconnectDecision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from calls.twilio.relay_errors import ErrorKind

# A call gets this many new relay sessions before it is given up.
MAX_RECONNECTS = 3


class ReconnectDecision(StrEnum):
    """The answer to the report that a relay session failed. Values label a metric."""

    RECONNECT = "reconnect"  # a new relay session
    REDUCE = "reduce"  # a new relay session, with as few settings as possible
    REPEAT = "repeat"  # the same answer as to the first report
    TRANSFER = "put-through"  # the transfer that the lost session was about to start
    IGNORE = "ignore"  # nothing: the call has gone on already
    GIVE_UP = "give-up"  # an apology, then a transfer or the end of the call
    END = "end"  # a goodbye


@dataclass(frozen=True, slots=True)
class RelayState:
    """The state of a call's relay sessions.

    `lost` holds the ids of the sessions that were replaced, in order. `reconnects`
    counts only lost sessions, not callers who returned from a transfer.
    `has_open_token` is true while no socket has used the latest relay token. A call
    `is_reduced` after Twilio refused its settings.
    """

    is_open: bool
    reconnects: int = 0
    lost: Sequence[str] = ()
    has_open_token: bool = False
    is_transferring: bool = False
    is_reduced: bool = False


def decide(
    call: RelayState, session_id: str, error: ErrorKind = ErrorKind.CONNECTION
) -> ReconnectDecision:
    """Decide on a report that a session failed. Reports come late, and repeatedly.

    Twilio repeats a report if the answer never arrived, so the answer is repeated too.
    Once the next session has begun, Twilio no longer waits for an answer.
    """
    is_repeated = bool(session_id) and session_id in call.lost
    if is_repeated and session_id != call.lost[-1]:
        return ReconnectDecision.IGNORE
    if not call.is_open:
        return _last_answer(error) if is_repeated else ReconnectDecision.IGNORE
    if is_repeated and call.has_open_token:
        return ReconnectDecision.REPEAT
    if call.is_transferring:
        return ReconnectDecision.TRANSFER
    if is_repeated:
        return ReconnectDecision.IGNORE
    return _next_step(call, error)


def _next_step(call: RelayState, error: ErrorKind) -> ReconnectDecision:
    """Try again only if that can help: a refused document is not offered twice.

    Errors of an unknown kind count as a lost connection.
    """
    if error in (ErrorKind.TIME_LIMIT, ErrorKind.CALL_LIMIT):
        return _last_answer(error)
    if call.reconnects >= MAX_RECONNECTS:
        return ReconnectDecision.GIVE_UP
    if error is ErrorKind.SETTINGS:
        is_last = call.is_reduced
        return ReconnectDecision.GIVE_UP if is_last else ReconnectDecision.REDUCE
    return ReconnectDecision.RECONNECT


def _last_answer(error: ErrorKind) -> ReconnectDecision:
    """After its longest time, a call must not go on with a transfer either."""
    at_time_limit = error is ErrorKind.TIME_LIMIT
    return ReconnectDecision.END if at_time_limit else ReconnectDecision.GIVE_UP
