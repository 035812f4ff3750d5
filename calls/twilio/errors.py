"""Every exception of the Twilio client; each one's text is for the operator.

TwilioError
├── NotConnected     the account SID or the token is missing, or no such thing
├── BadAccount       Twilio does not take them
├── TwilioAway       no connection, no answer in time, or trouble at Twilio's
├── UnknownNumber    the account has no such number
└── TwilioRefused    Twilio says no to what was asked
"""

import json

MESSAGE_MAX_LENGTH = 300


class TwilioError(Exception):
    """Something went wrong with Twilio's API; `str` of it says what to do."""


class NotConnected(TwilioError):
    """There is nothing to ask Twilio with."""


class BadAccount(TwilioError):
    """The account SID and the Auth Token do not belong together."""

    def __init__(self) -> None:
        super().__init__(
            "Twilio does not take TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN. Copy both "
            "again from the Console's start page, of the same account, and restart."
        )


class TwilioAway(TwilioError):
    """Nobody knows whether Twilio did what was asked."""


class UnknownNumber(TwilioError):
    """The account does not have it, or not any more."""

    def __init__(self) -> None:
        super().__init__("This Twilio account has no such number. Reload the list.")


class TwilioRefused(TwilioError):
    """Twilio understood, and will not."""


def rejection(status: int, body: bytes) -> TwilioError:
    """Choose the exception for an HTTP status other than success."""
    if status == 401:
        return BadAccount()
    if status == 404:
        return UnknownNumber()
    if status == 429:
        return TwilioAway("Twilio is asked too much at once. Try again in a moment.")
    if status >= 500:
        return TwilioAway(
            f"Twilio has trouble of its own at the moment (status {status}). "
            "Try again later."
        )
    return TwilioRefused(f"Twilio refuses this (status {status}): {_message(body)}")


def _message(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    words = found.get("message") if isinstance(found, dict) else None
    return str(words or "it does not say why")[:MESSAGE_MAX_LENGTH]
