"""The ASGI application: routes protocols and paths to their handlers."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicebot.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402

from calls.console.routing import sockets as console_sockets  # noqa: E402
from calls.operations.runtime import runtime  # noqa: E402
from calls.routing import urlpatterns  # noqa: E402
from voicebot.server.bare_handler import BareHandler, ClipHandler, by_path  # noqa: E402
from voicebot.server.concurrency_limit import (  # noqa: E402
    PAGES,
    SIGN_INS,
    ConcurrencyLimit,
    OnePerClient,
    by_method,
)
from voicebot.server.page_handler import PageHandler  # noqa: E402

# Refuse to start if calls could not be answered safely, under any server.
if errors := [message for message in checks.run_checks() if message.is_serious()]:
    raise SystemCheckError("\n".join(map(str, errors)))

django_pages = PageHandler()
pages = ConcurrencyLimit(django_pages, PAGES)
# The form itself costs no more than any page.
sign_ins = OnePerClient(ConcurrencyLimit(django_pages, SIGN_INS))
protocols = ProtocolTypeRouter(
    {
        "http": by_path(
            {
                ("/audio/",): ClipHandler(),
                ("/voice",): BareHandler(),
                # Without middleware, because health checkers use any host name.
                ("/healthz", "/readyz", "/metrics"): BareHandler(),
                # These hash a password.
                ("/admin/login/", "/admin/invitation/", "/admin/new-password/"): (
                    by_method("POST", sign_ins, pages)
                ),
            },
            pages,
        ),
        "websocket": by_path({("/console/",): console_sockets}, URLRouter(urlpatterns)),
    }
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request or socket."""
    runtime().start()
    await protocols(scope, receive, send)
