"""The sockets of the desk's pages: for staff, from our own pages."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path, re_path

from calls.accounts.sign_in import has_passed
from calls.console.live.consumer import LiveConsumer
from calls.console.test_call.consumer import TalkConsumer
from calls.db import in_any_thread
from calls.routing import refuse

_live: Any = LiveConsumer.as_asgi()
_talk: Any = TalkConsumer.as_asgi()

urlpatterns: list[Any] = [
    path("desk/live", _live, name="live-socket"),
    path("desk/talk/<str:token>", _talk, name="talk-socket"),
    re_path("", refuse),
]


def who_has_passed(application: Any) -> Any:
    """Turn away sessions without the code that their person is asked for."""

    passed = in_any_thread(has_passed)

    async def gate(scope: Any, receive: Any, send: Any) -> Any:
        user, session = scope["user"], scope["session"]
        if user.is_authenticated and not await passed(user, session):
            return await refuse(scope, receive, send)
        return await application(scope, receive, send)

    return gate


sockets: Any = AllowedHostsOriginValidator(
    AuthMiddlewareStack(who_has_passed(URLRouter(urlpatterns)))
)
