"""Puts things to tell into messages, each once for each rule and channel.

All of it happens in one transaction with its cause, so nothing is lost or told twice if
a process dies. The row of a channel is locked while things join its messages.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bots.models import Bot
from bots.site_settings.current import site_values
from calls.alerts import schedule
from calls.models import Call
from calls.models.alert import (
    MAX_DETAIL_LENGTH,
    Alert,
    AlertChannel,
    AlertMessage,
    AlertRule,
    Delivery,
    State,
)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to tell; `key` is the same for the same thing."""

    key: str
    at: datetime
    detail: str = ""
    call: Call | None = None
    is_over: bool = False


Noticed = tuple[AlertRule, Thing]


@transaction.atomic
def tell(noticed: Iterable[Noticed]) -> None:
    """Add things to the messages of their rules' channels."""
    by_channel: dict[int, list[Noticed]] = defaultdict(list)
    for rule, thing in noticed:
        for channel in rule.channels.all():
            if channel.is_active:
                by_channel[channel.pk].append((rule, thing))
    # In one order, so that two processes cannot deadlock.
    for pk in sorted(by_channel):
        row = AlertChannel.objects.select_for_update().filter(pk=pk).first()
        if row is not None:
            _add(row, by_channel[pk])


def _add(channel: AlertChannel, noticed: list[Noticed]) -> None:
    rules = {rule.pk: rule for rule, _ in noticed}
    keys = {thing.key for _, thing in noticed}
    same = Alert.objects.filter(channel=channel, rule__in=rules, thing__in=keys)
    known = set(same.values_list("rule_id", "thing"))
    by_message: dict[int, list[Alert]] = defaultdict(list)
    messages: dict[int, AlertMessage] = {}
    for rule, thing in noticed:
        if (rule.pk, thing.key) in known:
            continue
        known.add((rule.pk, thing.key))
        if rule.pk not in messages:
            messages[rule.pk] = _open_message(channel, rule)
        message = messages[rule.pk]
        by_message[message.pk].append(_alert(channel, rule, thing, message))
    for pk, alerts in by_message.items():
        Alert.objects.bulk_create(alerts)
        same_message = AlertMessage.objects.filter(pk=pk)
        same_message.update(alert_count=F("alert_count") + len(alerts))


def _alert(
    channel: AlertChannel, rule: AlertRule, thing: Thing, message: AlertMessage
) -> Alert:
    return Alert(
        rule=rule,
        channel=channel,
        thing=thing.key,
        event=rule.event,
        is_over=thing.is_over,
        detail=thing.detail[:MAX_DETAIL_LENGTH],
        bot_id=thing.call.bot_id if thing.call else rule.bot_id,
        bot_name=_bot_name(rule, thing),
        call=thing.call,
        at=thing.at,
        message=message,
    )


def _bot_name(rule: AlertRule, thing: Thing) -> str:
    if thing.call is not None:
        return thing.call.bot_name
    bot: Bot | None = rule.bot
    return bot.name if bot else ""


def _open_message(channel: AlertChannel, rule: AlertRule) -> AlertMessage:
    """The channel's message that things of a rule join now, new if there is none.

    Locked, because a message that is being sent takes no more.
    """
    now = timezone.now()
    waiting = AlertMessage.objects.select_for_update().filter(
        channel=channel, state=State.WAITING, delivery=rule.delivery, is_test=False
    )
    if rule.delivery == Delivery.AT_ONCE:
        found = waiting.order_by("due_at").first()
        return found or _new_at_once(channel, now)
    planned = _digest_time(rule, now)
    found = waiting.filter(planned_at=planned).first()
    return found or _new(channel, rule.delivery, planned)


def _digest_time(rule: AlertRule, now: datetime) -> datetime:
    zone = ZoneInfo(site_values().time_zone)
    if rule.delivery == Delivery.HOURLY:
        return schedule.next_hour(now, zone)
    return schedule.next_day(now, rule.daily_hour, zone)


def _new_at_once(channel: AlertChannel, now: datetime) -> AlertMessage:
    # Digests that are planned for later keep nothing waiting.
    latest = channel.messages.filter(is_test=False, planned_at__lte=now)
    planned = latest.order_by("-planned_at").values_list("planned_at", flat=True)
    limit = channel.hourly_limit
    due, was_held = schedule.within_limit(now, list(planned[:limit]), limit)
    return _new(channel, Delivery.AT_ONCE, due, was_held=was_held)


def _new(
    channel: AlertChannel, delivery: str, planned: datetime, *, was_held: bool = False
) -> AlertMessage:
    return AlertMessage.objects.create(
        channel=channel,
        channel_name=channel.name,
        delivery=delivery,
        planned_at=planned,
        due_at=planned,
        was_held=was_held,
    )
