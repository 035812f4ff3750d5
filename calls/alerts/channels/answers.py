"""Answers of Slack, Teams and Discord in plain words. Pure.

A connector of Teams answers 200 whatever happens: with “1” it took the message, other
words are an error, which may have a status of its own.
"""

import re

from bots.config.text import one_line, read_json
from calls.alerts.attempt import MAX_ANSWER_LENGTH, Attempt, Result

CONNECTOR_ERROR = re.compile(r"HTTP error (\d{3})")
# Parts of answers, and what they mean.
MEANINGS = {
    "invalid_payload": "Slack cannot read the message.",
    "no_text": "Slack cannot read the message.",
    "invalid_blocks": "Slack cannot read the message.",
    "no_service": "The webhook was removed in Slack. Make a new one.",
    "no_active_hooks": "The webhook was switched off in Slack. Make a new one.",
    "invalid_token": "The address is not that of a Slack webhook. Copy it again.",
    "channel_not_found": "The Slack channel was deleted. Make a webhook for another.",
    "channel_is_archived": "The Slack channel is archived. Make a webhook for another.",
    "action_prohibited": "Slack does not let the webhook write. Ask your Slack admin.",
    "posting_to_general_channel_denied": "Slack does not let webhooks write to this "
    "channel. Make a webhook for another.",
    "Unknown Webhook": "The webhook was deleted in Discord. Make a new one.",
    "Invalid Webhook Token": "The address is not complete. Copy it again.",
    "WorkflowTriggerIsNotEnabled": "The workflow is switched off in Teams.",
    "DirectApiAuthorizationRequired": "The address is not complete. Copy it again.",
}
REFUSALS = {
    400: "It cannot read the message. Is the address one of another service?",
    401: "It refuses the address. Copy the address of the webhook again.",
    403: "It refuses the address. Copy the address of the webhook again.",
    404: "There is no such webhook. It was removed, or its address is wrong.",
    405: "The address is not that of a webhook. Copy it again.",
    410: "The webhook is gone for good. Make a new one.",
}
# Statuses other than errors of the server after which another attempt may succeed.
TRY_LATER = {408, 409, 423, 425, 429}
TOO_MANY = "It gets too many messages at the moment."
SIGN_IN = "A web page answers, such as a sign-in, and no webhook."


def read_answer(status: int, text: str, pause: str, *, is_page: bool) -> Attempt:
    """The result of a request. `pause` is the header Retry-After, in seconds."""
    if 200 <= status < 300 and not is_page:
        error = _connector_error(text)
        if error is None:
            return Attempt(Result.SENT, "", status, _short(text))
        status = error
    elif is_page and status < 400:
        return Attempt(Result.REFUSED, SIGN_IN, status, "")
    return _failed(status, text, pause)


def _failed(status: int, text: str, pause: str) -> Attempt:
    wait = _seconds(pause) or _seconds(_retry_after(text))
    if status == 429:
        return Attempt(Result.LATER, TOO_MANY, status, _short(text), wait)
    if status >= 500 or status in TRY_LATER:
        words = f"It has a problem (status {status})."
        return Attempt(Result.LATER, words, status, _short(text), wait)
    for part, meaning in MEANINGS.items():
        if part in text:
            return Attempt(Result.REFUSED, meaning, status, _short(text))
    words = REFUSALS.get(status, f"It refuses the message (status {status}).")
    return Attempt(Result.REFUSED, words, status, _short(text))


def _connector_error(text: str) -> int | None:
    """The status of an error that hides in a success; None if it is one."""
    if "Webhook message delivery failed" not in text and "HTTP error" not in text:
        return None
    found = CONNECTOR_ERROR.search(text)
    return int(found[1]) if found else 400


def _retry_after(text: str) -> object:
    """The pause in seconds that Discord names in the body."""
    answer = read_json(text)
    return answer.get("retry_after", 0) if isinstance(answer, dict) else 0


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < 1e6 else 0.0


def _short(text: str) -> str:
    return one_line(text, MAX_ANSWER_LENGTH)
