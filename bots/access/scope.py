"""Bots on which a person has a permission, and the rows that belong to them.

Permissions of groups, and those of superusers, are for all bots. A role for one bot
gives its permissions for this bot alone.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.backends import ModelBackend
from django.db.models import Model, Q, QuerySet

from bots.models import BotRole

VIEWING = frozenset(
    {
        *("bots.view_bot", "bots.view_phonenumber"),
        *("calls.view_call", "calls.view_turn", "calls.view_postcalltask"),
        "calls.view_budget",
    }
)
PERMISSIONS = {
    BotRole.Role.VIEWER: VIEWING,
    # To change a call is to control it while it is in progress.
    BotRole.Role.OPERATOR: VIEWING
    | {"bots.change_bot", "calls.change_call", "calls.view_recording"},
}
# Where the roles of a user are kept, for the time of a request.
CACHE = "_roles_for_bots"

Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True, slots=True)
class Scope:
    """Some bots by their keys. None: all bots, and calls that no bot took."""

    bots: frozenset[int] | None = frozenset()

    @property
    def is_all(self) -> bool:
        return self.bots is None

    def __bool__(self) -> bool:
        return self.bots is None or bool(self.bots)

    def __contains__(self, bot: int | None) -> bool:
        return self.bots is None or bot in self.bots

    def __or__(self, other: "Scope") -> "Scope":
        if self.bots is None or other.bots is None:
            return Scope(None)
        return Scope(self.bots | other.bots)

    def covers(self, other: "Scope") -> bool:
        """True if it has all bots of the other."""
        if self.bots is None:
            return True
        return other.bots is not None and other.bots <= self.bots


def scope_of(user: Any, *permissions: str) -> Scope:
    """The bots on which a user has one of the permissions."""
    if not user.is_active:
        return Scope()
    wanted = set(permissions)
    if user.is_superuser or wanted & ModelBackend().get_all_permissions(user):
        return Scope(None)
    roles = roles_of(user).items()
    return Scope(frozenset(bot for bot, role in roles if wanted & PERMISSIONS[role]))


def roles_of(user: Any) -> dict[int, BotRole.Role]:
    """The user's roles by bot; read once for each user object."""
    if user.pk is None:
        return {}
    cache: dict[str, Any] = user.__dict__
    if CACHE not in cache:
        rows = BotRole.objects.filter(user=user.pk).order_by()
        found = rows.values_list("bot_id", "role")
        cache[CACHE] = {bot: BotRole.Role(role) for bot, role in found}
    roles: dict[int, BotRole.Role] = cache[CACHE]
    return roles


def visible(rows: Rows, user: Any, *permissions: str) -> Rows:
    """The rows that a user may see, or those on which they have a permission.

    The only place that narrows rows to a person's bots. A model says in `BOT_PATHS`
    which fields lead to its bots. Rows of other models belong to all bots: a role for
    one bot opens none of them.
    """
    names = permissions or _viewing(rows.model)
    return within(rows, scope_of(user, *names))


def within(rows: Rows, scope: Scope) -> Rows:
    """The rows that belong to some bots."""
    if scope.bots is None:
        return rows
    paths: tuple[str, ...] = getattr(rows.model, "BOT_PATHS", ())
    if not paths or not scope.bots:
        return rows.none()
    if len(paths) == 1:
        return rows.filter(**{f"{paths[0]}__in": scope.bots})
    is_used = Q()
    for path in paths:
        is_used |= Q(**{f"{path}__in": scope.bots})
    # A subquery, because the joins would repeat rows.
    found = rows.model._default_manager.filter(is_used).order_by()
    return rows.filter(pk__in=found.values("pk"))


def is_bound_to_bots(model: type[Model]) -> bool:
    """True if rows of the model belong to single bots."""
    return hasattr(model, "BOT_PATHS")


def _viewing(model: type[Model]) -> tuple[str, str]:
    """As in Django's admin, a permission to change includes that to view."""
    label, name = model._meta.app_label, model._meta.model_name
    return f"{label}.view_{name}", f"{label}.change_{name}"
