"""TODO."""

from dataclasses import dataclass

from django.urls import reverse

from calls.public_urls import public_url


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Our two addresses that a number has to have."""

    voice: str
    status: str


def webhooks() -> Webhooks:
    """The two addresses of this server that a number needs."""
    return Webhooks(public_url(reverse("voice")), public_url(reverse("voice-status")))
