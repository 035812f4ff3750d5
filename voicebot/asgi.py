"""The composition root: which protocol and path is answered by what."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicebot.settings")
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management.base import SystemCheckError  # noqa: E402

from calls.desk.routing import sockets as desk_sockets  # noqa: E402
from calls.routing import urlpatterns  # noqa: E402
from voicebot.carrier import CarrierHandler, ClipHandler, by_path  # noqa: E402

# Refuse to start where calls could not be answered safely, whoever starts this.
if errors := [found for found in checks.run_checks() if found.is_serious()]:
    raise SystemCheckError("\n".join(map(str, errors)))

application = ProtocolTypeRouter(
    {
        "http": by_path(
            {("/audio/",): ClipHandler(), ("/voice",): CarrierHandler()},
            get_asgi_application(),
        ),
        "websocket": by_path({("/desk/",): desk_sockets}, URLRouter(urlpatterns)),
    }
)
