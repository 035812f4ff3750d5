"""Reads Twilio's report on the dialled leg of a transfer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from bots.phone_numbers.caller_id import E164, is_hidden
from calls.transfer import Transfer

# Our own status of a target that is not dialled at all.
NOT_ALLOWED = "not-allowed"
# Twilio's DialCallStatus → the reason the model reads. "completed" means that somebody
# picked up, possibly a voicemail.
MISSED = {
    "busy": "is on the phone",
    "no-answer": "did not answer",
    "completed": "did not take the call",
    "answered": "did not take the call",
    NOT_ALLOWED: "may not be called from here",
}
# The same, when the call is over.
WITHOUT_A_WAY_BACK = {**MISSED, "busy": "was on the phone"}
UNREACHABLE = "could not be reached"
PICKED_UP = ("completed", "answered")
CALLER_RETURNED = "The caller is back with you."


@dataclass(frozen=True, slots=True)
class DialResult:
    """The result of a transfer; `message` is for the transcript and the model."""

    answered: bool  # caller and transfer target talked to each other
    caller_left: bool  # the caller is no longer on the line
    message: str


def parse_dial_result(transfer: Transfer, form: Mapping[str, str]) -> DialResult:
    """Read Twilio's report that the dialled call ended."""
    status, name = form.get("DialCallStatus", ""), transfer.sentence_name
    caller_left = has_left(form)
    was_accepted = transfer.accepted or not transfer.announce
    bridged = form.get("DialBridged", "true") != "false"
    if status in PICKED_UP and was_accepted and bridged:
        message = f"{name} took the call{_duration(form)}."
        return DialResult(True, caller_left, message)
    if caller_left:
        message = f"The caller hung up before {transfer.name} took the call."
        return DialResult(False, caller_left, message)
    reason = MISSED.get(status, UNREACHABLE)
    return DialResult(False, caller_left, f"{name} {reason}. {CALLER_RETURNED}")


def has_left(form: Mapping[str, str]) -> bool:
    """True if the caller is no longer on the line."""
    return form.get("CallStatus", "in-progress") != "in-progress"


def why_missed(form: Mapping[str, str]) -> str:
    """Why nobody took a transfer without a way back; empty if somebody picked up."""
    result = parse_dial_result(Transfer("the person", "", announce=False), form)
    if result.answered:
        return ""
    if result.caller_left:
        return "The caller hung up meanwhile"
    status = form.get("DialCallStatus", "")
    return f"The person {WITHOUT_A_WAY_BACK.get(status, UNREACHABLE)}"


def _duration(form: Mapping[str, str]) -> str:
    seconds = seconds_in(form, "DialCallDuration")
    return "" if seconds is None else f", which lasted {seconds} s"


def seconds_in(form: Mapping[str, str], field: str) -> int | None:
    """A duration that Twilio reports; None if it has none, or an absurd one."""
    seconds = form.get(field, "")
    is_plausible = seconds.isascii() and seconds.isdecimal() and len(seconds) < 7
    return int(seconds) if is_plausible else None


def dialled_seconds(form: Mapping[str, str]) -> int | None:
    """The length of the leg to the target: 0 if nobody picked up, None if unknown."""
    if form.get("DialCallStatus", "") not in PICKED_UP:
        return 0
    return seconds_in(form, "DialCallDuration")


def caller_id(caller: str, our_number: str) -> str:
    """The number that the target's telephone shows: the caller's, to call back.

    Twilio allows the number that the call came from, and any number rented from
    Twilio (error 13214 for others). So a caller who comes over SIP, WhatsApp or an app
    is shown with our number, as is one with a hidden number, whose digits look like a
    telephone's. If neither is a number the result is empty.
    """
    for number in (caller, our_number):
        if E164.fullmatch(number) and not is_hidden(number):
            return number
    return ""
