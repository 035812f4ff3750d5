"""The lists' rows of calls: what each was about, in one or two lines."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery, prefetch_related_objects

from bots.models import PhoneNumber
from bots.phone_numbers.masking import NumberMask
from calls.models import Call, Turn
from calls.review.call_page import parts_of
from calls.review.excerpts import Excerpt, excerpt_of, excerpts, searched_words
from calls.review.visibility import mask_of

MAX_LENGTH = 180


@dataclass(frozen=True, slots=True)
class CallRow:
    """The texts of a call in a list. Without a summary there are the caller's words.

    A word that a search found is in the middle of these, or else in `excerpt`. `label`
    is the name of our number.
    """

    parts: Excerpt
    is_summary: bool
    label: str
    tags: list[str]
    notes: int
    excerpt: Excerpt | None = None


def call_rows(
    calls: list[Call], query: str, *, hide: bool, hide_in_excerpts: bool
) -> dict[int, CallRow]:
    """The rows of the calls by id, with a few queries for all of them."""
    prefetch_related_objects(calls, "notes", "tags", "handled_by")
    labels = _labels(calls)
    quotes = _first_words(call for call in calls if not call.summary)
    words = searched_words(query, hide=hide_in_excerpts)
    found = excerpts(calls, words, hide=hide_in_excerpts)
    rows = {}
    for call in calls:
        mask = mask_of(call) if hide else None
        quote = " ".join(
            said or f"keys {keys}" for said, keys in parts_of(quotes.get(call.pk, ""))
        )
        summary, quote = _shown(call.summary, mask), _shown(quote, mask)
        about = excerpt_of(summary or quote, words, margin=MAX_LENGTH)
        parts = about or (summary or quote, "", "")
        rows[call.pk] = CallRow(
            parts=parts,
            is_summary=bool(summary),
            label=labels.get(call.our_number, ""),
            tags=[_shown(tag.name, mask) for tag in call.tags.all()],
            notes=len(call.notes.all()),
            excerpt=None if about else found.get(call.pk),
        )
    return rows


def _labels(calls: Iterable[Call]) -> dict[str, str]:
    """The labels of our numbers, by number."""
    numbers = PhoneNumber.objects.filter(number__in={call.our_number for call in calls})
    return dict(numbers.values_list("number", "label"))


def _first_words(calls: Iterable[Call]) -> dict[int, str]:
    """The first words of each caller, by call id."""
    said = Turn.objects.filter(call=OuterRef("pk"), role=Turn.Role.CALLER)
    first = said.exclude(text="").order_by("index").values("text")[:1]
    ids = [call.pk for call in calls]
    rows = Call.objects.filter(pk__in=ids).order_by()
    words = rows.annotate(words=Subquery(first)).values_list("pk", "words")
    return {pk: text for pk, text in words if text}


def _shown(text: str, mask: NumberMask | None) -> str:
    text = " ".join(text.split())
    text = str(mask.made(text)) if mask else text
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH].rstrip()}…"
