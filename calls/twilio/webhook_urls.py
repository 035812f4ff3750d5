"""TODO."""

from django.urls import reverse

from calls.public_urls import public_url
from calls.twilio.number_setup import Webhooks


def webhooks() -> Webhooks:
    """The two addresses of this server that a number needs."""
    return Webhooks(public_url(reverse("voice")), public_url(reverse("voice-status")))
