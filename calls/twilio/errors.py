"""Exceptions of the Twilio client; their texts are for the operator.

TwilioError
├── NotConnected     the account SID or the token is missing or malformed
├── BadAccount       Twilio rejects the account SID and the token
├── TwilioAway       no connection, no answer in time, or an error on Twilio's side
├── UnknownNumber    the account has no such number
├── NotFound         the account has no such call or recording
└── TwilioRefused    Twilio rejects the request
    ├── CallOver     the call is not in progress
    └── NotAllowed   the account may not do this
"""

from bots.config.text import read_json

MESSAGE_MAX_LENGTH = 300
# Twilio, "Error and Warning Dictionary": the state of the call does not allow it.
CALL_OVER_CODES = (21220,)


class TwilioError(Exception):
    """An error of Twilio's API; its text says what to do."""


class NotConnected(TwilioError):
    """No usable credentials are configured."""


class BadAccount(TwilioError):
    """The account SID and the Auth Token do not belong together."""

    def __init__(self) -> None:
        super().__init__(
            "Twilio rejects TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN. Copy both again "
            "from the start page of Twilio's Console, of one account, and restart."
        )


class TwilioAway(TwilioError):
    """It is unknown whether Twilio carried out the request."""


class UnknownNumber(TwilioError):
    """The account does not have the number, or no longer has it."""

    def __init__(self) -> None:
        super().__init__("This Twilio account has no such number. Reload the list.")


class TwilioRefused(TwilioError):
    """Twilio understood the request and rejected it."""


class NotFound(TwilioError):
    """The account does not have the call or the recording, or no longer has it."""

    def __init__(self) -> None:
        super().__init__("Twilio does not have it, or no longer has it.")


class CallOver(TwilioRefused):
    """The call is not in progress (error 21220)."""


class NotAllowed(TwilioRefused):
    """The account may not do this."""


def rejection(status: int, body: bytes) -> TwilioError:
    """Choose the exception for an HTTP status other than success."""
    if status == 401:
        return BadAccount()
    if status == 404:
        return UnknownNumber()
    if status == 429:
        return TwilioAway(
            "Twilio gets too many requests at once. Try again in a moment."
        )
    if status >= 500:
        return TwilioAway(
            f"Twilio has a problem at the moment (status {status}). Try again later."
        )
    return TwilioRefused(f"Twilio rejects this (status {status}): {_message(body)}")


def recording_rejection(status: int, body: bytes) -> TwilioError:
    """`rejection` for a request about a call or a recording."""
    answer = read_json(body)
    code = answer.get("code") if isinstance(answer, dict) else None
    if status == 404:
        return NotFound()
    if status == 403:
        return NotAllowed(f"The Twilio account may not do this: {_message(body)}")
    if code in CALL_OVER_CODES:
        return CallOver("The call is not in progress.")
    return rejection(status, body)


def _message(body: bytes) -> str:
    answer = read_json(body)
    message = answer.get("message") if isinstance(answer, dict) else None
    return str(message or "it does not say why")[:MESSAGE_MAX_LENGTH]
