"""Who may call us: Twilio's signature, and the token that binds a socket to a call.

Every URL is built from SERVER_URL, never from the request's Host. The signature of
the socket covers the `url` attribute of the TwiML byte for byte, without parameters
(recorded from live calls).
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from twilio.request_validator import RequestValidator

# Twilio opens the socket about a second after the TwiML; ringing can take longer.
TOKEN_LIFETIME_SECONDS = 300


def public_url(path: str) -> str:
    """The address of `path` as the outside sees it."""
    return f"{settings.SERVER_URL}{path}"


def socket_url(path: str) -> str:
    """The same for a WebSocket: https becomes wss, http becomes ws."""
    return "ws" + public_url(path).removeprefix("http")


def is_signed(url: str, parameters: Mapping[str, Any], signature: str) -> bool:
    """Whether one of our tokens signed this request.

    With no token configured, only a server in DEBUG accepts anything.
    """
    if not settings.TWILIO_AUTH_TOKENS:
        return bool(settings.DEBUG)
    return any(
        RequestValidator(token).validate(url, parameters, signature)
        for token in settings.TWILIO_AUTH_TOKENS
    )


def relay_token(call_sid: str) -> str:
    """A token for the socket's path that is good for this call only."""
    return _signer().sign_object([call_sid])


def call_of_token(token: str) -> str | None:
    """The call a token was made for; None when it is forged or too old."""
    try:
        (call_sid,) = _signer().unsign_object(token, max_age=TOKEN_LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(call_sid)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="voicebot.relay", sep=".")
