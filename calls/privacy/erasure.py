"""Erases the data of one caller, for example after a GDPR request."""

from dataclasses import dataclass

from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import QueryDict

from bots.models import PhoneNumber
from bots.phone_numbers.caller_id import (
    ANONYMOUS,
    E164,
    canonical,
    national_number,
    number_in,
)
from bots.phone_numbers.masking import remove_numbers
from calls.blocking import pattern_of, pattern_of_caller
from calls.models import BlockedCaller, Call, ExportFile, Recording, SavedView, Turn
from calls.privacy.deletion import BATCH, Deleted, delete_calls

# Shown after an erasure, in the console and by the command.
ELSEWHERE = (
    "Not erased: Twilio's own call logs, what the providers of transcription, AI model "
    "and voice store, backups of the database, and exported files."
)


@dataclass(frozen=True, slots=True)
class CallerData:
    """The stored data of a caller. Calls in progress cannot be deleted yet."""

    number: str
    calls: int
    turns: int
    recordings: int
    going_on: int
    is_blocked: bool


def parse_caller(text: str) -> str:
    """The caller that an operator typed, as `Call.caller` has them.

    Raises `ValidationError` for a text that is not one caller. Hidden numbers belong
    to many people, and numbers of our own to no caller.
    """
    has_calls = _calls_of(canonical(text)).exists()
    number = pattern_of_caller(text) if has_calls else pattern_of(text)
    if number == ANONYMOUS or number.endswith("*"):
        raise ValidationError(
            "Write the full number of one caller: this one stands for many people."
        )
    if PhoneNumber.objects.filter(number=number).exists():
        raise ValidationError("This is one of your own numbers, not a caller's.")
    return number


def caller_data(number: str) -> CallerData:
    """The data that `erase` would delete."""
    calls = _calls_of(number)
    ended = calls.filter(status__in=Call.OVER)
    return CallerData(
        number=number,
        calls=ended.count(),
        turns=Turn.objects.filter(call__in=ended).count(),
        recordings=Recording.objects.filter(call__in=ended).count(),
        going_on=calls.exclude(status__in=Call.OVER).count(),
        is_blocked=BlockedCaller.objects.filter(pattern=number).exists(),
    )


def erase(number: str) -> Deleted:
    """Delete all ended calls of a caller, and the number in the admin's log.

    Notes, tags and recordings go with their calls, and saved views that search for it.
    An entry in the list of blocked callers stays. The function that calls this deletes
    the `clips` from the clip store. Files of exports may hold the calls: they go, too.
    """
    ExportFile.objects.all().delete()
    ended = _calls_of(number).filter(status__in=Call.OVER).order_by()
    deleted = Deleted()
    while ids := list(ended.values_list("pk", flat=True)[:BATCH]):
        deleted += delete_calls(ids)
    _anonymise(number)
    _delete_views(number)
    return deleted


def _calls_of(number: str) -> QuerySet[Call]:
    return Call.objects.real().filter(caller=number)


def _delete_views(number: str) -> None:
    """Delete saved views that have the number in their search or their name."""
    for view in SavedView.objects.all():
        terms = QueryDict(view.query).getlist("q")
        found = (number_in(term) == number for term in terms)
        texts = (view.name, *terms)
        if any(found) or any(remove_numbers(text, number) != text for text in texts):
            view.delete()


def _anonymise(number: str) -> None:
    """Mask the number in the admin's log of operators' actions."""
    name = national_number(number) if E164.fullmatch(number) else number
    mentions = Q(object_repr__icontains=name) | Q(change_message__icontains=name)
    for entry in LogEntry.objects.filter(mentions):
        entry.object_repr = remove_numbers(entry.object_repr, number)
        entry.change_message = remove_numbers(entry.change_message, number)
        entry.save(update_fields=["object_repr", "change_message"])
