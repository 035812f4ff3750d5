"""Template variables for every page of the admin."""

from django.conf import settings
from django.http import HttpRequest


def sandbox(request: HttpRequest) -> dict[str, bool]:
    """`sandbox` is true while the local stand-in for Inworld answers calls."""
    return {"sandbox": settings.SANDBOX_RUNNING}
