"""Rules, channels, and calls that end while the rules are watching."""

import asyncio
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models.functions import Now

from bots.models import Bot
from calls.alerts import evaluation
from calls.alerts.evaluation import Trouble
from calls.alerts.worker import AlertWorker
from calls.models import AlertChannel, AlertMessage, AlertRule, Call, CallToCheck
from calls.models.alert import Event, State
from calls.transcripts.closing import close_calls
from tests.support.pages.calls import make_call

ADDRESS = "ann@example.com"


def mail_channel(name: str = "Office", **values: Any) -> AlertChannel:
    defaults = {"kind": AlertChannel.Kind.MAIL, "address": ADDRESS}
    return AlertChannel.objects.create(name=name, **{**defaults, **values})


def webhook_channel(kind: str, url: str) -> AlertChannel:
    channel = AlertChannel(name=kind, kind=kind)
    channel.set_url(url)
    channel.save()
    return channel


def rule(
    event: str, *channels: AlertChannel, bot: Bot | None = None, **values: Any
) -> AlertRule:
    values.setdefault("is_for_all_bots", bot is None)
    made = AlertRule.objects.create(event=event, bot=bot, **values)
    made.channels.set(channels)
    return made


def failing(channel: AlertChannel, **values: Any) -> AlertRule:
    """A rule that tells every failed call."""
    return rule(Event.CALL_FAILED, channel, **values)


def end_call(
    number: int = 1,
    status: str = Call.Status.FAILED,
    reason: str = Call.EndReason.NEVER_CONNECTED,
    bot: Bot | None = None,
    **values: Any,
) -> Call:
    """A call that ends now, as calls end."""
    call = make_call(
        number,
        bot=bot,
        bot_name=bot.name if bot else "Ada",
        status=Call.Status.IN_PROGRESS,
        end_reason="",
        ended_at=None,
        **values,
    )
    close_calls(Call.objects.filter(pk=call.pk), status, reason)
    call.refresh_from_db()
    return call


def look() -> None:
    """Look at all calls that have ended, due or not."""
    CallToCheck.objects.update(due_at=long_due())
    while evaluation.check_calls():
        pass


def make_due() -> None:
    """Let all messages that wait be due."""
    waiting = AlertMessage.objects.filter(state=State.WAITING)
    waiting.update(due_at=long_due())


def long_due() -> Any:
    # Well before now, in case the clock is being set.
    return Now() - timedelta(minutes=1)


async def no_trouble() -> list[Trouble]:
    return []


def new_worker() -> AlertWorker:
    return AlertWorker(no_trouble)


async def send_all(worker: AlertWorker | None = None) -> list[str]:
    """Look, and make one attempt at each message; returns the states of all."""
    worker = worker or new_worker()
    await sync_to_async(look)()
    await sync_to_async(make_due)()
    while await worker.poll():
        await asyncio.gather(*worker.sending)
        # Only those of other channels; what is tried again is not due.
    return [state async for state in states()]


def states() -> Any:
    return AlertMessage.objects.order_by("pk").values_list("state", flat=True)


async def last_words() -> str:
    message = await AlertMessage.objects.alatest("pk")
    return str(message.log[-1]["words"])
