"""Notes, tags and “handled”: what operators write about a call, with who and when."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from bots.access.numbers import VIEW
from bots.access.scope import visible
from calls.models import Call, CallNote, CallTag
from calls.models.call import CallQuerySet
from calls.models.folding import fold
from calls.models.handling import MAX_NOTE_LENGTH, MAX_TAG_LENGTH

MAX_NOTES = 100
MAX_TAGS = 20


@transaction.atomic
def add_note(call: Call, text: str, user: Any) -> None:
    """Add a note. Raises `ValidationError` in plain words."""
    text = text.strip()
    if not text:
        raise ValidationError("Write something first.")
    if len(text) > MAX_NOTE_LENGTH:
        raise ValidationError(f"A note has {MAX_NOTE_LENGTH:,} characters at most.")
    if call.notes.count() >= MAX_NOTES:
        raise ValidationError(f"A call has {MAX_NOTES} notes at most.")
    CallNote.objects.create(call=call, text=text, author=user)
    _update_search(call)


@transaction.atomic
def delete_note(note: CallNote) -> None:
    """Delete a note."""
    note.delete()
    _update_search(note.call)


def may_delete(note: CallNote, user: Any) -> bool:
    """True for the author and for superusers."""
    return bool(user.is_superuser or note.author_id == user.pk)


@transaction.atomic
def add_tag(call: Call, name: str, user: Any) -> str:
    """Add a tag in the spelling that other calls have it in, which is returned.

    Raises `ValidationError` in plain words.
    """
    name = " ".join(name.split())
    if not fold(name):
        raise ValidationError("Write a word first.")
    if len(name) > MAX_TAG_LENGTH:
        raise ValidationError(f"A tag has {MAX_TAG_LENGTH} characters at most.")
    if call.tags.count() >= MAX_TAGS:
        raise ValidationError(f"A call has {MAX_TAGS} tags at most.")
    same = (tag for tag in tag_names(user) if fold(tag) == fold(name))
    name = next(same, name)
    CallTag.objects.get_or_create(call=call, name=name, defaults={"added_by": user})
    _update_search(call)
    return name


@transaction.atomic
def remove_tag(tag: CallTag) -> None:
    """Remove a tag from its call."""
    tag.delete()
    _update_search(tag.call)


def tag_names(user: Any) -> list[str]:
    """The tags of the calls that the user may see."""
    tags = visible(CallTag.objects.order_by("name"), user, VIEW)
    return list(tags.values_list("name", flat=True).distinct())


def mark_handled(calls: CallQuerySet, user: Any) -> list[Call]:
    """Mark calls as handled by this user now; those that were already stay.

    Returns the calls that were changed.
    """
    changed = list(calls.filter(handled_at=None).only("pk", "call_sid"))
    same = Call.objects.filter(pk__in=[call.pk for call in changed], handled_at=None)
    same.update(handled_at=timezone.now(), handled_by=user)
    return changed


def mark_unhandled(calls: CallQuerySet) -> list[Call]:
    """Take back that calls are handled; returns the calls that were changed."""
    changed = list(calls.exclude(handled_at=None).only("pk", "call_sid"))
    same = Call.objects.filter(pk__in=[call.pk for call in changed])
    same.update(handled_at=None, handled_by=None)
    return changed


def _update_search(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update_search_text()
