"""The API key of Inworld in the settings."""

from django.conf import settings

# Inworld answers 401 also to a key that is sent as “Bearer”.
KEY_REFUSED = (
    "Inworld refuses INWORLD_API_KEY. Copy it again from Inworld's portal: the Base64 "
    "text alone, without “Basic” or “Bearer” before it."
)
KEY_LACKS_PERMISSION = (
    "Inworld does not allow this with INWORLD_API_KEY. Give the key more permissions "
    "in Inworld's portal, or create another key."
)


def lacks_key() -> bool:
    """True if requests would go to the public Inworld without a key."""
    public = settings.INWORLD_BASE_URL == settings.INWORLD_PUBLIC_URL
    return public and not settings.INWORLD_API_KEY
