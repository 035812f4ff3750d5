"""The socket's address; also a URL configuration, so that it can be reversed."""

from typing import Any

from django.urls import path, re_path

from calls.session.consumer import RelayConsumer


async def refuse(scope: Any, receive: Any, send: Any) -> Any:
    """Turn away a socket that belongs to no call."""
    await receive()
    await send({"type": "websocket.close"})


_relay: Any = RelayConsumer.as_asgi()

urlpatterns: list[Any] = [
    path("conversation/<str:token>", _relay, name="conversation"),
    re_path("", refuse),
]
