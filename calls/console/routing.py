"""WebSocket routes of the console: for staff only, from the console's own pages."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
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


sockets: Any = AllowedHostsOriginValidator(
    AuthMiddlewareStack(require_second_factor(URLRouter(urlpatterns)))
)
