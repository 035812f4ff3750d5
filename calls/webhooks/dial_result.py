"""TODO."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from calls.transfer import Transfer

# What a carrier's word on the dialled call means for the caller. "completed" stands for
# a call that was picked up, by whomever.
MISSED = {
    "busy": "is on the phone",
    "no-answer": "did not answer",
    "completed": "did not take the call",
    "answered": "did not take the call",
}
OTHERWISE = "could not be reached"
PICKED_UP = ("completed", "answered")
BACK = "The caller is back with you."
_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True)
class DialResult:
    """What became of a transfer; `words` are for the transcript and the model."""

    talked: bool
    gone: bool  # the caller is not on the line any more
    words: str


def outcome(transfer: Transfer, form: Mapping[str, str]) -> DialResult:
    """Read the carrier's report that the dialled call is over."""
    status, who = form.get("DialCallStatus", ""), transfer.who
    gone = form.get("CallStatus", "in-progress") != "in-progress"
    taken = transfer.accepted or not transfer.announce
    bridged = form.get("DialBridged", "true") != "false"
    if status in PICKED_UP and taken and bridged:
        return DialResult(True, gone, f"{who} took the call{_lasted(form)}.")
    if gone:
        left = f"The caller hung up before {transfer.name} took the call."
        return DialResult(False, gone, left)
    what = MISSED.get(status, OTHERWISE)
    return DialResult(False, gone, f"{who} {what}. {BACK}")


def _lasted(form: Mapping[str, str]) -> str:
    seconds = form.get("DialCallDuration", "")
    known = seconds.isdecimal() and len(seconds) < 7
    return f", which lasted {int(seconds)} s" if known else ""


def caller_id(caller: str, ours: str) -> str:
    """The number that a person's telephone shows: the caller's, to call back.

    The carrier lets through the number a call came from, and any that is rented from
    it. Who hides theirs, or calls without a telephone, is shown with ours; with neither
    (empty) the carrier decides.
    """
    return next((each for each in (caller, ours) if _E164.fullmatch(each)), "")
