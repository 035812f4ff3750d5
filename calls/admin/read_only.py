"""Base of admin pages that cannot be edited."""

from typing import Any

from django.http import HttpRequest


class ReadOnlyMixin:
    """Read-only for operators; superusers may delete, for privacy requests."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)
