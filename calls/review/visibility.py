"""Calls as people see them who may not see phone numbers."""

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any

from bots.phone_numbers.caller_id import ANONYMOUS, canonical, is_hidden
from bots.phone_numbers.masking import NumberMask, masked, numbers_in
from bots.site_settings.current import site_values
from calls.models import Call, Turn
from calls.turns.heard_text import split_at_heard

# Texts and data about a call that callers, models, tools or Twilio wrote.
WRITTEN = ("variables", "summary", "extracted_fields", "transfer")
SHORT_TEXTS = ("outcome", "twilio_error_message")


def for_list(call: Call) -> tuple[str, str]:
    """From and to as lists show them: the caller masked if the settings say so."""
    return shown_numbers(call, hide=site_values().mask_caller_numbers)


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


def numbers_of(call: Call, *data: Any) -> list[str]:
    """The phone numbers that belong to a call, without ours.

    They are the caller's, the one of a transfer, and those in variables, fields and
    other data, which a caller may have dictated.
    """
    ours, number = call.our_number, call.caller_number
    written = numbers_in([call.transfer, call.variables, call.extracted_fields, *data])
    found = dict.fromkeys(canonical(text, ours) for text in (number, *written))
    return [text for text in found if text and text != canonical(ours)]


def mask_of(call: Call) -> NumberMask:
    """The mask for the texts of a call."""
    return NumberMask([] if call.is_test else numbers_of(call))


def masked_call(call: Call, mask: NumberMask) -> Call:
    """A copy of a call without phone numbers, to be shown and never saved."""
    shown = copy(call)
    shown.from_number, shown.to_number = shown_numbers(call, hide=True)
    shown.caller = ""
    for name in (*WRITTEN, *SHORT_TEXTS):
        setattr(shown, name, mask.made(getattr(call, name)))
    return shown


def variables(call: Call) -> dict[str, str]:
    """The call's variables as text."""
    return {str(name): str(value) for name, value in call.variables.items()}


def masked_turns(turns: Iterable[Turn], mask: NumberMask) -> Iterator[Turn]:
    """Copies of turns without phone numbers, to be shown and never saved."""
    for turn in turns:
        shown = copy(turn)
        shown.text, shown.heard_text = _said(turn, mask)
        shown.error = mask.made(turn.error)
        shown.tool_call = mask.made(turn.tool_call)
        yield shown


def _said(turn: Turn, mask: NumberMask) -> tuple[str, str]:
    """The text and its heard part, also if the caller heard half of a number."""
    heard, rest = split_at_heard(turn.text, turn.heard_text)
    if heard + rest != turn.text:
        return mask.said(turn.text), mask.said(turn.heard_text)
    heard, rest = mask.pieces(heard, rest)
    return heard + rest, heard
