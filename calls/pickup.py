"""How a call is picked up: what keeps it from a bot, and the TwiML for it."""

from collections.abc import Mapping

from django.conf import settings
from django.urls import reverse

from bots.checks import lacks_key
from bots.profile import Profile
from calls import twiml
from calls.signatures import public_url, socket_url

NOT_IN_SERVICE = "Sorry, this number is not in service at the moment. Goodbye."
OUT_OF_ORDER = "Sorry, we cannot take your call right now. Please try again later."
NOT_CONFIGURED = "Sorry, this line is not set up yet. Please try again later. Goodbye."


def configuration_trouble(host: str) -> str:
    """Why this server could not carry a call that came to `host`; empty when it can."""
    if lacks_key():
        return "INWORLD_API_KEY is not set."
    if settings.SERVER_HOST in settings.LOOPBACK_HOSTS and host not in (
        "",
        *settings.LOOPBACK_HOSTS,
    ):
        return f"SERVER_URL is {settings.SERVER_URL}, but the call came to {host}."
    return ""


def relay_document(
    profile: Profile, token: str, parameters: Mapping[str, str] | None = None
) -> str:
    """The TwiML that connects a call to a bot; `token` lets its socket in."""
    path = reverse("conversation", args=[token], urlconf="calls.routing")
    return twiml.relay(
        profile,
        socket_url=socket_url(path),
        action_url=public_url(reverse("voice-action")),
        parameters=parameters,
    )
