"""Hides callers' numbers from users who may not see them."""

from typing import Any

from django.conf import settings

from bots.phone_numbers.caller_id import ANONYMOUS, is_hidden
from calls.models import Call
from calls.review.masking import masked

# Users who may control calls may see the callers' numbers.
PERMISSION = "calls.change_call"


def may_see_numbers(user: Any) -> bool:
    """True if the user may see callers' numbers in full."""
    return not settings.MASK_CALLER_NUMBERS or bool(user.has_perm(PERMISSION))


def for_list(call: Call) -> tuple[str, str]:
    """From and to as lists show them: the caller masked if the settings say so."""
    return shown_numbers(call, hide=settings.MASK_CALLER_NUMBERS)


def shown_numbers(call: Call, *, hide: bool) -> tuple[str, str]:
    """From and to. Only the caller's number is hidden, never ours.

    Callers who withhold their number are “anonymous” in all spellings of that.
    """
    caller, ours = call.caller_number, call.our_number
    if caller and is_hidden(caller):
        caller = ANONYMOUS
    if hide and not call.is_test:
        caller = masked(caller)
    return (ours, caller) if call.is_outbound else (caller, ours)


def variables(call: Call, *, hide: bool) -> dict[str, str]:
    """The call's variables as text, with numbers in them masked on demand."""
    texts = {str(name): str(value) for name, value in call.variables.items()}
    return {name: masked(value) for name, value in texts.items()} if hide else texts
