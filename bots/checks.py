"""What is wrong with how the bots' brain and voice are set up, and what to type."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register()
def inworld_key_is_set(**kwargs: Any) -> list[CheckMessage]:
    """Without a key the public Inworld refuses every request."""
    public = settings.INWORLD_BASE_URL == settings.INWORLD_PUBLIC_URL
    if settings.INWORLD_API_KEY or not public:
        return []
    return [
        Warning(
            "INWORLD_API_KEY is not set: no real model answers. `serve` starts the "
            "sandbox; any other server can only apologise to its callers.",
            id="bots.W001",
            hint="Make a key in Inworld's portal and put INWORLD_API_KEY=… in .env.",
        )
    ]
