"""Who may call us: Twilio's signature, and the token that binds a socket to a call.

Every URL is built from SERVER_URL, never from the request's Host. The signature of
the socket covers the `url` attribute of the TwiML byte for byte, without parameters
(recorded from live calls).
"""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from twilio.request_validator import RequestValidator

# Twilio opens the socket about a second after the TwiML; ringing can take longer.
TOKEN_LIFETIME_SECONDS = 300


def asked_for(request: HttpRequest) -> str:
    """Path and query as the carrier wrote them, which is what it signs.

    Django's `get_full_path` would escape what of it is unusual: a | or {}.
    """
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{query}" if query else request.path


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


def new_nonce() -> str:
    """What makes a token usable once: the call's row keeps it until then."""
    return token_urlsafe(16)


def relay_token(call_sid: str, nonce: str) -> str:
    """A token for the socket's path: for this call only, and for one socket."""
    return _signer().sign_object([call_sid, nonce])


def read_token(token: str) -> tuple[str, str] | None:
    """The call SID and the nonce of a token; None when it is forged or too old."""
    try:
        call_sid, nonce = _signer().unsign_object(token, max_age=TOKEN_LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(call_sid), str(nonce)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="voicebot.relay", sep=".")
