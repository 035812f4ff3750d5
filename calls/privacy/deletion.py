"""TODO."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet

from calls.models import Call, Turn
from calls.turns.clip_ids import is_phrase
from calls.turns.turn import TurnKind

# Calls deleted in one transaction: writes of calls in progress wait for it.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much is gone; `clips` are the ids of sound that may still be alive."""

    calls: int = 0
    turns: int = 0
    clips: tuple[str, ...] = ()

    def __add__(self, more: Deleted) -> Deleted:
        """Both together."""
        clips = (*self.clips, *more.clips)
        return Deleted(self.calls + more.calls, self.turns + more.turns, clips)

    def __str__(self) -> str:
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return f"{calls} with {self.turns} turn{'' if self.turns == 1 else 's'}"


def _delete(ids: list[int]) -> Deleted:
    """Delete calls, their turns, and what the desk's log says of them."""
    about_calls = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Call)
    )
    with transaction.atomic():
        turns = Turn.objects.filter(call__in=ids)
        clips = tuple(_clip_ids(turns))
        said, _ = turns.delete()
        about_calls.filter(object_id__in=[str(pk) for pk in ids]).delete()
        Call.objects.filter(pk__in=ids).delete()
    return Deleted(len(ids), said, clips)


def _clip_ids(turns: QuerySet[Turn]) -> Iterable[str]:
    """Clips of these turns only; a bot's own sentences are other calls' as well."""
    told = turns.exclude(clip_ids=[]).values_list("kind", "clip_ids")
    return chain.from_iterable(
        [clip for clip in clips if kind == TurnKind.OPERATOR or not is_phrase(clip)]
        for kind, clips in told
    )
