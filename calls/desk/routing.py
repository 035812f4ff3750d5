"""The sockets of the desk's pages: for staff, from our own pages."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import re_path

from calls.routing import refuse

urlpatterns: list[Any] = [
    re_path("", refuse),
]

sockets: Any = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(urlpatterns)))
