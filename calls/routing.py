"""WebSocket route of the relay; also a URL configuration, for `reverse`."""

from typing import Any

from django.urls import path, re_path

from calls.session.consumer import RelayConsumer


async def refuse(scope: Any, receive: Any, send: Any) -> Any:
    """Close a socket at any other address."""
    await receive()
    await send({"type": "websocket.close"})


_relay: Any = RelayConsumer.as_asgi()

urlpatterns: list[Any] = [
    path("conversation/<str:token>", _relay, name="conversation"),
    re_path("", refuse),
]
