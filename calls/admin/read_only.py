"""Bases of admin pages that cannot be edited, or not be seen by everybody."""

from typing import Any

from django.http import HttpRequest

from bots.access.numbers import may_see_numbers
from bots.admin.changelist import ConsoleAdmin


class ReadOnlyMixin:
    """Read-only for operators; superusers may delete, for privacy requests."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


class FullNumbersMixin(ConsoleAdmin[Any]):
    """Pages with full phone numbers: closed to users who may not see these."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_numbers(request.user) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, *args: Any) -> bool:
        may_see = may_see_numbers(request.user)
        return may_see and super().has_view_permission(request, *args)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        may_see = may_see_numbers(request.user)
        return may_see and super().has_add_permission(request, *args)

    def has_change_permission(self, request: HttpRequest, *args: Any) -> bool:
        may_see = may_see_numbers(request.user)
        return may_see and super().has_change_permission(request, *args)

    def has_delete_permission(self, request: HttpRequest, *args: Any) -> bool:
        may_see = may_see_numbers(request.user)
        return may_see and super().has_delete_permission(request, *args)
