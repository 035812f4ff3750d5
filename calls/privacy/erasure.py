"""What is kept of people, and how it goes: in its time, or because somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from bots.models import PhoneNumber
from calls.blocking import ANONYMOUS, pattern_of, pattern_of_caller
from calls.models import BlockedCaller, Call, Turn
from calls.privacy.deletion import BATCH, Deleted, _delete
from calls.review.masking import remove_numbers

# What the desk and the command say once it is done.
ELSEWHERE = (
    "Not in our hands: the carrier's own call logs, what the providers of "
    "transcription, model and voice keep, backups of the database, and files that were "
    "exported."
)


@dataclass(frozen=True, slots=True)
class CallerData:
    """What is known of a caller; a call that goes on is deleted when it is over."""

    number: str
    calls: int
    turns: int
    going_on: int
    is_blocked: bool


# In its time


# Because somebody asks


def parse_caller(text: str) -> str:
    """The caller that was typed. Raises `ValidationError` where it is not one person.

    Hidden numbers are many people's, and our own are nobody's.
    """
    known = _calls_of(text.strip()).exists()
    number = pattern_of_caller(text) if known else pattern_of(text)
    if number == ANONYMOUS or number.endswith("*"):
        raise ValidationError("Write one caller's whole number: this is many people's.")
    if PhoneNumber.objects.filter(number=number).exists():
        raise ValidationError("This is one of our own numbers: many people call it.")
    return number


def caller_data(number: str) -> CallerData:
    """What would be deleted of a caller."""
    calls = _calls_of(number)
    over = calls.filter(status__in=Call.OVER)
    return CallerData(
        number=number,
        calls=over.count(),
        turns=Turn.objects.filter(call__in=over).count(),
        going_on=calls.exclude(status__in=Call.OVER).count(),
        is_blocked=BlockedCaller.objects.filter(pattern=number).exists(),
    )


def erase(number: str) -> Deleted:
    """Delete every call of a caller that is over, and each mention in the desk's log.

    That the caller is blocked stays: it was decided against them, and holds nothing
    else. Sound in `clips` is left to whoever has the store.
    """
    over = _calls_of(number).filter(status__in=Call.OVER).order_by()
    deleted = Deleted()
    while ids := list(over.values_list("pk", flat=True)[:BATCH]):
        deleted += _delete(ids)
    _anonymise(number)
    return deleted


def _calls_of(number: str) -> QuerySet[Call]:
    real, caller = Call.objects.real(), Q(from_number__iexact=number)
    if number.startswith("+"):
        for scheme in ("sip", "sips"):
            caller |= Q(from_number__istartswith=f"{scheme}:{number}@")
    outbound = Q(direction=Call.Direction.OUTBOUND)
    return real.filter((caller & ~outbound) | (outbound & Q(to_number__iexact=number)))


def _anonymise(number: str) -> None:
    """Mask the number where somebody's action at the desk is described with it."""
    named = Q(object_repr__contains=number) | Q(change_message__contains=number)
    for entry in LogEntry.objects.filter(named):
        entry.object_repr = remove_numbers(entry.object_repr, number)
        entry.change_message = remove_numbers(entry.change_message, number)
        entry.save(update_fields=["object_repr", "change_message"])
