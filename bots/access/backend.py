"""Permissions of roles for single bots, for Django's `has_perm`."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import Model

from bots.access.scope import PERMISSIONS, roles_of, scope_of, visible


class BotRoleBackend(BaseBackend):
    """Answers `has_perm` for one object, and without one for any bot.

    A page that asks without an object must narrow what it shows with `visible`.
    """

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """The permissions on at least one bot."""
        if not user_obj.is_active or obj is not None:
            return set()
        return set().union(*(PERMISSIONS[role] for role in roles_of(user_obj).values()))

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        scope = scope_of(user_obj, perm)
        if obj is None or scope.is_all:
            return bool(scope)
        if obj.pk is None:
            return False
        rows = visible(type(obj)._base_manager.all(), user_obj, perm)
        return rows.filter(pk=obj.pk).exists()
