"""The API key of Inworld in the settings."""

from django.conf import settings


def lacks_key() -> bool:
    """True if requests would go to the public Inworld without a key."""
    public = settings.INWORLD_BASE_URL == settings.INWORLD_PUBLIC_URL
    return public and not settings.INWORLD_API_KEY
