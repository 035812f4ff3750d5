"""TODO."""

from django.conf import settings


def public_url(path: str) -> str:
    """The address of `path` as the outside sees it."""
    return f"{settings.SERVER_URL}{path}"


def socket_url(path: str) -> str:
    """The same for a WebSocket: https becomes wss, http becomes ws."""
    return "ws" + public_url(path).removeprefix("http")
