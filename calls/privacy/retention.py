"""Finds and deletes calls that are past the retention period of their bot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from bots.models import Bot
from bots.site_settings.current import site_values
from calls.models import Call
from calls.privacy.deletion import BATCH, Deleted, delete_calls


@dataclass(frozen=True, slots=True)
class Overdue:
    """Calls of one bot that are past their retention period."""

    bot_name: str
    days: int
    calls: QuerySet[Call]


def overdue(at: datetime) -> Iterator[Overdue]:
    """Calls to delete, by bot.

    For a deleted bot, the period stored with each call counts. Calls that no bot took
    follow the default bot. Where there is no such period, that of the settings counts.
    """
    site = site_values().retention_days
    ended = Call.objects.filter(status__in=Call.OVER)
    for bot in Bot.objects.order_by("pk"):
        if days := bot.retention_days or site:
            yield Overdue(bot.name, days, _older(ended.filter(bot=bot), days, at))
    orphans = ended.filter(bot=None, settings__retention_days__gt=0).order_by()
    for days in orphans.values_list("settings__retention_days", flat=True).distinct():
        older = _older(orphans.filter(settings__retention_days=days), days, at)
        yield Overdue("(deleted bots)", days, older)
    if site:
        has_no_period = Q(settings__retention_days=0) | Q(
            settings__retention_days__isnull=True
        )
        rest = ended.filter(has_no_period, bot=None).exclude(bot_name="").order_by()
        yield Overdue("(deleted bots)", site, _older(rest, site, at))
    default = Bot.objects.filter(is_default=True).first()
    if days := (default.retention_days if default else 0) or site:
        older = _older(ended.filter(bot=None, bot_name=""), days, at)
        yield Overdue("(no bot)", days, older)


def purge_some(at: datetime) -> Deleted:
    """Delete one batch of overdue calls; an empty result means that none is left."""
    for group in overdue(at):
        ids = list(group.calls.order_by().values_list("pk", flat=True)[:BATCH])
        if ids:
            return delete_calls(ids)
    return Deleted()


def _older(calls: QuerySet[Call], days: int, at: datetime) -> QuerySet[Call]:
    return calls.filter(started_at__lt=at - timedelta(days=days))
