"""Who speaks with whom, as far as somebody may see it."""

from typing import Any

from django.conf import settings

from calls.models import Call
from calls.review.masking import masked

# Whoever may take part in calls may see who calls.
PERMISSION = "calls.change_call"


def may_see_numbers(user: Any) -> bool:
    """Whether someone may see callers' numbers in full."""
    return not settings.MASK_CALLER_NUMBERS or bool(user.has_perm(PERMISSION))


def for_list(call: Call) -> tuple[str, str]:
    """From and to as lists show them: the caller masked where that is asked for."""
    return parties(call, hide=settings.MASK_CALLER_NUMBERS)


def for_user(user: Any, call: Call) -> tuple[str, str]:
    """From and to as somebody may see them on the call's own page and in its file."""
    return parties(call, hide=not may_see_numbers(user))


def parties(call: Call, *, hide: bool) -> tuple[str, str]:
    """From and to. Our own number is never hidden: it is nobody's."""
    if not hide or call.is_test:
        return call.from_number, call.to_number
    if call.direction == Call.Direction.OUTBOUND:
        return call.from_number, masked(call.to_number)
    return masked(call.from_number), call.to_number


def variables(call: Call, *, hide: bool) -> dict[str, str]:
    """What parameters and the lookup told, numbers masked where they are hidden."""
    told = {str(name): str(value) for name, value in call.variables.items()}
    return {name: masked(value) for name, value in told.items()} if hide else told
