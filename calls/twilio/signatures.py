"""Who may call us: Twilio's signature, and the token that binds a socket to a call.

Every URL is built from SERVER_URL, never from the request's Host. The signature of
the socket covers the `url` attribute of the TwiML byte for byte, without parameters
(recorded from live calls).
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from twilio.request_validator import RequestValidator


def signed_path(request: HttpRequest) -> str:
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


NOT_SIGNED = b"Not signed for this server."
