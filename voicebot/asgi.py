"""The composition root: which protocol and path is answered by what."""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicebot.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402

from calls.console.routing import sockets as desk_sockets  # noqa: E402
from calls.operations.loop_lag import loop_watch  # noqa: E402
from calls.routing import urlpatterns  # noqa: E402
from voicebot.server.bare_handler import CarrierHandler, ClipHandler, by_path  # noqa: E402
from voicebot.server.concurrency_limit import PAGES, SIGN_INS, Room, to_the_end  # noqa: E402

# Refuse to start where calls could not be answered safely, whoever starts this.
if errors := [found for found in checks.run_checks() if found.is_serious()]:
    raise SystemCheckError("\n".join(map(str, errors)))

desk = get_asgi_application()
protocols = ProtocolTypeRouter(
    {
        "http": by_path(
            {
                ("/audio/",): ClipHandler(),
                ("/voice",): CarrierHandler(),
                # Whoever looks after us may call us by any name.
                ("/healthz", "/readyz", "/metrics"): CarrierHandler(),
                ("/admin/login/",): Room(to_the_end(desk), SIGN_INS),
            },
            Room(desk, PAGES),
        ),
        "websocket": by_path({("/desk/",): desk_sockets}, URLRouter(urlpatterns)),
    }
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request or socket."""
    loop_watch.start()
    await protocols(scope, receive, send)
