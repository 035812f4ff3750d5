"""Deletes calls with everything that is stored about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet
from django.template.defaultfilters import pluralize

from calls.models import Call, Turn
from calls.turns.clip_ids import is_phrase
from calls.turns.turn import TurnKind

# Calls deleted in one transaction; writes of calls in progress wait for it.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Deleted:
    """Numbers of deleted rows. `clips` are ids that the store may still have."""

    calls: int = 0
    turns: int = 0
    clips: tuple[str, ...] = ()

    def __add__(self, other: Deleted) -> Deleted:
        clips = (*self.clips, *other.clips)
        return Deleted(self.calls + other.calls, self.turns + other.turns, clips)

    def __str__(self) -> str:
        calls = f"{self.calls} call{pluralize(self.calls)}"
        return f"{calls} with {self.turns} turn{pluralize(self.turns)}"


def delete_calls(ids: list[int]) -> Deleted:
    """Delete calls, their turns, traces and recordings, and their entries in the log.

    The entry that says who deleted a call stays. A worker deletes the sound within a
    minute, and tries again until it is gone.
    """
    log_entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Call)
    ).exclude(action_flag=DELETION)
    with transaction.atomic():
        turns = Turn.objects.filter(call__in=ids)
        clips = tuple(_clip_ids(turns))
        turn_count, _ = turns.delete()
        log_entries.filter(object_id__in=[str(pk) for pk in ids]).delete()
        Call.objects.filter(pk__in=ids).delete()
    return Deleted(len(ids), turn_count, clips)


def _clip_ids(turns: QuerySet[Turn]) -> Iterable[str]:
    """Clips of these turns only; other calls play a bot's fixed sentences as well."""
    rows = turns.exclude(clip_ids=[]).values_list("kind", "clip_ids")
    return chain.from_iterable(
        [clip for clip in clips if kind == TurnKind.OPERATOR or not is_phrase(clip)]
        for kind, clips in rows
    )
