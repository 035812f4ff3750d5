"""Template variables of every console page."""

from django.conf import settings
from django.http import HttpRequest


def sandbox(request: HttpRequest) -> dict[str, bool]:
    """`sandbox`: the local stand-in answers calls instead of Inworld."""
    return {"sandbox": settings.SANDBOX_RUNNING}
