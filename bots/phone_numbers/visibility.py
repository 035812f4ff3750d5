"""Decides who may see phone numbers in full."""

from typing import Any

from django.conf import settings

# Users who may control calls may see the callers' numbers.
PERMISSION = "calls.change_call"


def may_see_numbers(user: Any) -> bool:
    """True if the user may see callers' numbers in full."""
    return not settings.MASK_CALLER_NUMBERS or bool(user.has_perm(PERMISSION))
