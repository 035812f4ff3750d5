"""Validates Twilio's signatures of requests and sockets.

Signed URLs are built from SERVER_URL, never from the request's Host. The signature of
the socket covers the `url` attribute of the TwiML byte for byte, without parameters
(recorded from live calls).

Twilio signs with the auth token, or, where a Webhooks Rule of the account says so, with
a shared key. Then a second header names the key and the algorithm (Twilio, "Sign
webhooks with shared keys").
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Self

from django.conf import settings
from django.http import HttpRequest
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

NOT_SIGNED = b"Not signed for this server."
# Parameters of an address that are tried in every order: 4 have 24.
MAX_REORDERED = 4
ALGORITHMS = (HMAC_SHA1, HMAC_SHA256)


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a request. `settings` is empty if the auth token signed it."""

    value: str
    settings: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Read the headers of a request; their names may be in any case."""
        names = {name.lower(): value for name, value in headers.items()}
        return cls(
            names.get(SIGNATURE_HEADER.lower(), ""),
            names.get(SIGNATURE_SETTINGS_HEADER.lower(), ""),
        )

    @classmethod
    def of_socket(cls, headers: Iterable[tuple[bytes, bytes]]) -> Self:
        """Read the headers of a WebSocket's handshake."""
        return cls.of(
            {name.decode("latin-1"): text.decode("latin-1") for name, text in headers}
        )

    @property
    def key(self) -> str:
        """The id of the shared key, made safe for the log; empty without one."""
        for part in self.settings.split(","):
            name, _, value = part.partition("=")
            if name.strip() == "key":
                return re.sub(r"[^\w.-]", "?", value.strip()[:80], flags=re.ASCII)
        return ""

    @property
    def algorithm(self) -> str:
        return str(get_signature_algorithm(self.settings)).upper()


@dataclass(slots=True)
class SharedKeyProblem:
    """The latest problem with a shared key in this process, for the doctor."""

    latest: str = ""


shared_key_problem = SharedKeyProblem()


def signed_path(request: HttpRequest) -> str:
    """Path and query exactly as Twilio sent them, because it signs those.

    Django's `get_full_path` escapes unusual characters such as | and {}.
    """
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{query}" if query else request.path


def signed_paths(request: HttpRequest) -> Iterator[str]:
    """The path as it came, then with its few parameters in every other order.

    A signature proves the order that Twilio signed; it is found by trying. Each try
    costs some microseconds.
    """
    path = signed_path(request)
    yield path
    parameters = request.META.get("QUERY_STRING", "").split("&")
    if 1 < len(parameters) <= MAX_REORDERED:
        orders = dict.fromkeys("&".join(order) for order in permutations(parameters))
        paths = (f"{request.path}?{query}" for query in orders)
        yield from (other for other in paths if other != path)


def is_signed(url: str, parameters: Mapping[str, Any], signature: Signature) -> bool:
    """True if the request was signed with one of our auth tokens or shared keys.

    Without an auth token, a server in DEBUG accepts everything, others nothing.
    """
    if not settings.TWILIO_AUTH_TOKENS:
        return bool(settings.DEBUG)
    secrets = settings.TWILIO_AUTH_TOKENS
    if signature.settings:
        secret = settings.TWILIO_SHARED_KEYS.get(signature.key)
        secrets = [secret] if secret else []
    if signature.algorithm not in ALGORITHMS:
        return False
    return any(
        RequestValidator(secret).validate(
            url, parameters, signature.value, signature.algorithm
        )
        for secret in secrets
    )


def why_refused(signature: Signature) -> str:
    """Why a request is not accepted as Twilio's, and what to do, for the log."""
    if not signature.settings:
        return "It has no valid signature."
    shared_key_problem.latest = _problem_of_key(signature)
    return shared_key_problem.latest


def _problem_of_key(signature: Signature) -> str:
    key, shown = signature.key, signature.key or "without an id"
    if key not in settings.TWILIO_SHARED_KEYS:
        return (
            f"It names the shared key {shown}, which TWILIO_SHARED_KEYS does not have. "
            "If a Webhooks Rule of your Twilio account uses this key, add the key and "
            "its secret and restart."
        )
    if signature.algorithm not in ALGORITHMS:
        return (
            f"It names the shared key {shown} and an unknown algorithm. Choose "
            f"{HMAC_SHA256} in the Webhook Setting at Twilio."
        )
    return (
        f"It names the shared key {shown}, but the signature is another one. Check "
        "the key's secret in TWILIO_SHARED_KEYS, and SERVER_URL."
    )
