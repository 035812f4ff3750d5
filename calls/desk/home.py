"""The desk's first page."""

from typing import Any

from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, Any]:
    """What the first page shows."""
    return {}
