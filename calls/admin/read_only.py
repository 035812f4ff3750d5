"""Lists at the desk that are looked at and not written."""

from typing import Any

from django.http import HttpRequest


class ReadOnlyMixin:
    """Lets operators look, and superusers delete when a caller asks for privacy."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody writes calls by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody changes what was said."""
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Only superusers make a call forgotten."""
        return bool(request.user.is_active and request.user.is_superuser)
