"""Absolute addresses of this server. All are built from SERVER_URL."""

from django.conf import settings


def public_url(path: str) -> str:
    """The public HTTP address of `path`."""
    return f"{settings.SERVER_URL}{path}"


def socket_url(path: str) -> str:
    """The public WebSocket address of `path`: https becomes wss, http becomes ws."""
    return "ws" + public_url(path).removeprefix("http")
