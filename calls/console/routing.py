"""WebSocket routes of the console: for staff only, from the console's own pages."""

from typing import Any
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.conf import settings
from django.urls import path, re_path

from calls.accounts.second_factor import has_second_factor
from calls.console.live.consumer import LiveConsumer
from calls.console.test_call.consumer import TestCallConsumer
from calls.db import run_in_db_thread
from calls.routing import refuse

_live: Any = LiveConsumer.as_asgi()
_test_call: Any = TestCallConsumer.as_asgi()

urlpatterns: list[Any] = [
    path("console/live", _live, name="live-socket"),
    path("console/test-call/<str:token>", _test_call, name="test-call-socket"),
    re_path("", refuse),
]


def require_second_factor(application: Any) -> Any:
    """Refuse sessions without the second factor that their user needs."""

    is_verified = run_in_db_thread(has_second_factor)

    async def gate(scope: Any, receive: Any, send: Any) -> Any:
        user, session = scope["user"], scope["session"]
        if user.is_authenticated and not await is_verified(user, session):
            return await refuse(scope, receive, send)
        return await application(scope, receive, send)

    return gate


def require_own_origin(application: Any) -> Any:
    """Refuse pages of every other origin, also those of this machine or domain."""

    async def gate(scope: Any, receive: Any, send: Any) -> Any:
        origins = [text for name, text in scope["headers"] if name == b"origin"]
        if origins != [console_origin(settings.SERVER_URL)]:
            return await refuse(scope, receive, send)
        return await application(scope, receive, send)

    return gate


def console_origin(server_url: str) -> bytes:
    """The origin of SERVER_URL, as browsers write it (RFC 6454, section 6.1)."""
    url = urlsplit(server_url)
    host = (url.hostname or "").encode("idna" if "[" not in url.netloc else "ascii")
    host = b"[%b]" % host if b":" in host else host
    default = {"http": 80, "https": 443}.get(url.scheme)
    port = b"" if url.port in (None, default) else b":%d" % url.port
    return b"%b://%b%b" % (url.scheme.encode(), host, port)


sockets: Any = require_own_origin(
    AuthMiddlewareStack(require_second_factor(URLRouter(urlpatterns)))
)
