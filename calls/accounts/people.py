"""People who may sign in."""

from django.contrib.auth.models import User
from django.db.models import QuerySet


def without_role() -> "QuerySet[User]":
    """People who may sign in and see nothing: they have no role and no permission."""
    may_sign_in = User.objects.filter(is_active=True, is_staff=True, is_superuser=False)
    return may_sign_in.filter(groups=None, bot_roles=None, user_permissions=None)
