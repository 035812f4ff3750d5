"""TODO."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from bots.models import Bot
from calls.models import Call
from calls.privacy.deletion import BATCH, Deleted, _delete


@dataclass(frozen=True, slots=True)
class Overdue:
    """Calls of one bot that were kept long enough."""

    bot_name: str
    days: int
    calls: QuerySet[Call]


def overdue(at: datetime) -> Iterator[Overdue]:
    """Calls to be deleted, by bot. Of a bot that is gone, its last word counts.

    Calls that no bot took follow the default bot.
    """
    over = Call.objects.filter(status__in=Call.OVER)
    for bot in Bot.objects.filter(retention_days__gt=0):
        older = _older(over.filter(bot=bot), bot.retention_days, at)
        yield Overdue(bot.name, bot.retention_days, older)
    left = over.filter(bot=None, settings__retention_days__gt=0).order_by()
    for days in left.values_list("settings__retention_days", flat=True).distinct():
        older = _older(left.filter(settings__retention_days=days), days, at)
        yield Overdue("(deleted bots)", days, older)
    default = Bot.objects.filter(is_default=True, retention_days__gt=0).first()
    if default:
        older = _older(over.filter(bot=None, bot_name=""), default.retention_days, at)
        yield Overdue("(no bot)", default.retention_days, older)


def purge_some(at: datetime) -> Deleted:
    """Delete a batch of what is overdue; nothing when there is nothing left."""
    for found in overdue(at):
        ids = list(found.calls.order_by().values_list("pk", flat=True)[:BATCH])
        if ids:
            return _delete(ids)
    return Deleted()


def _older(calls: QuerySet[Call], days: int, at: datetime) -> QuerySet[Call]:
    return calls.filter(started_at__lt=at - timedelta(days=days))
