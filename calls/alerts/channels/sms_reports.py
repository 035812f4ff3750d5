"""Twilio's reports on the way of an SMS, in plain words. Pure.

Reports come in any order. Only the last steps say something: `delivered`, or one of the
others below. “Sent” means that the next network has it, not the telephone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from calls.alerts.attempt import Result

MESSAGE_SID = re.compile(r"[SM]M[0-9a-fA-F]{32}")
LOST = ("undelivered", "failed", "canceled")
# Twilio, "Error and Warning Dictionary".
MEANINGS = {
    "21610": "This telephone has unsubscribed from your number. Send START from it to "
    "that number.",
    "30002": "Your Twilio account is suspended.",
    "30003": "The telephone cannot be reached. It may be off or without a network.",
    "30004": "The telephone or its network blocks messages of your number.",
    "30005": "There is no such telephone, or its number is out of service.",
    "30006": "The number cannot receive SMS. It may be a landline.",
    "30007": "The network took the message for spam. Ask Twilio.",
    "30008": "Twilio does not know why.",
    "30032": "Your toll-free number is not verified at Twilio yet.",
    "30034": "Your number is not registered for SMS in the USA (A2P 10DLC).",
}
NO_REASON = "Twilio does not say why."


@dataclass(frozen=True, slots=True)
class SmsReport:
    """The end of the SMS with a SID: DELIVERED or LOST."""

    sid: str
    result: Result
    words: str = ""


def report_of(form: Mapping[str, str]) -> SmsReport | None:
    """Twilio's report; None for a step on the way, or if it is not one."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not MESSAGE_SID.fullmatch(sid):
        return None
    if status == "delivered":
        return SmsReport(sid, Result.DELIVERED)
    if status in LOST:
        return SmsReport(sid, Result.LOST, _words(form.get("ErrorCode", "")))
    return None


def _words(code: str) -> str:
    if not re.fullmatch(r"[1-9]\d{4}", code):
        return NO_REASON
    return f"{MEANINGS.get(code, NO_REASON)} (Twilio's error {code}.)"
