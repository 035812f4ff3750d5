"""Validates Twilio's signatures of requests and sockets.

Signed URLs are built from SERVER_URL, never from the request's Host. The signature of
the socket covers the `url` attribute of the TwiML byte for byte, without parameters
(recorded from live calls).
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from twilio.request_validator import RequestValidator


def signed_path(request: HttpRequest) -> str:
    """Path and query exactly as Twilio sent them, because it signs those.

    Django's `get_full_path` escapes unusual characters such as | and {}.
    """
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{query}" if query else request.path


def is_signed(url: str, parameters: Mapping[str, Any], signature: str) -> bool:
    """True if the request was signed with one of our auth tokens.

    Without an auth token, a server in DEBUG accepts everything, others nothing.
    """
    if not settings.TWILIO_AUTH_TOKENS:
        return bool(settings.DEBUG)
    return any(
        RequestValidator(token).validate(url, parameters, signature)
        for token in settings.TWILIO_AUTH_TOKENS
    )


NOT_SIGNED = b"Not signed for this server."
