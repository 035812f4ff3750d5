"""The addresses of this server that a Twilio number needs."""

from django.urls import reverse

from calls.public_urls import public_url
from calls.twilio.number_setup import Webhooks


def webhooks() -> Webhooks:
    """The addresses of this server, built from SERVER_URL."""
    return Webhooks(public_url(reverse("voice")), public_url(reverse("voice-status")))
