"""Decides who may see phone numbers in full."""

from typing import Any

from bots.access.scope import Scope, scope_of
from bots.site_settings.current import site_values

# People who may control calls may see the callers' numbers.
CONTROL = "calls.change_call"
VIEW = "calls.view_call"


def may_see_numbers(user: Any) -> bool:
    """True if the user may see the numbers of all callers whose calls they see.

    Lists, searches and exports have calls of several bots. Who may not control all of
    them sees none of their numbers there.
    """
    scope = scope_with_numbers(user)
    return bool(scope) and scope.covers(scope_of(user, VIEW))


def may_see_numbers_of(user: Any, bot: int | None) -> bool:
    """True if the user may see the callers' numbers in the calls of one bot."""
    return bot in scope_with_numbers(user)


def scope_with_numbers(user: Any) -> Scope:
    """The bots whose callers' numbers the user may see in full."""
    masks = site_values().mask_caller_numbers
    return scope_of(user, CONTROL) if masks else Scope(None)
