"""What every page of the admin is told."""

from django.conf import settings
from django.http import HttpRequest


def sandbox(request: HttpRequest) -> dict[str, bool]:
    """Whether the local stand-in answers calls instead of Inworld."""
    return {"sandbox": settings.SANDBOX_RUNNING}
