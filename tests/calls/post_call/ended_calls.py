"""Calls that have ended, and the post-call work done on them."""

import asyncio
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models.functions import Now

from bots.config_builder import config_of
from bots.models import Bot
from bots.models.secret import Secret
from calls.models import Call, PostCallTask
from calls.models.post_call_task import State
from calls.post_call.worker import PostCallWorker
from calls.transcripts.writes import CallClosed, write_all
from tests.support.pages.calls import START, make_call, say
from tests.support.receiver import SECRET, Receiver

SUMMARY = {
    "summary": "Ann wants a table.",
    "outcome": "booked",
    "fields": {"email": "ann@example.com"},
}


SUMMARY_SETTINGS = {
    "summary_prompt": "What was agreed.",
    "outcomes": "booked, call back",
    "summary_fields": "email: the caller's address",
}


def webhook_bot(receiver: Receiver, **settings: Any) -> Bot:
    """A bot that sends its calls to a receiver."""
    secret = Secret(name="crm")
    secret.set_value(SECRET)
    secret.save()
    return Bot.objects.create(
        name="Ada", webhook_url=receiver.url, webhook_secret=secret, **settings
    )


def ended_call(bot: Bot, number: int = 1, *said: str, **values: Any) -> Call:
    """A call of the bot in which the caller said something, closed as calls are."""
    call = make_call(
        number,
        bot=bot,
        bot_name=bot.name,
        settings=config_of(bot).to_json(),
        status=Call.Status.IN_PROGRESS,
        end_reason="",
        ended_at=None,
        **values,
    )
    say(call, "bot", bot.greeting)
    for words in said:
        say(call, "caller", words)
    over = CallClosed(call.pk, Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP, START)
    write_all([over])
    return call


async def run_tasks(worker: PostCallWorker) -> list[tuple[str, str, int]]:
    """Run all waiting tasks, due or not; returns the states of all tasks."""
    # Well before now, in case the clock is being set.
    long_due = Now() - timedelta(minutes=1)
    await PostCallTask.objects.filter(state=State.WAITING).aupdate(due_at=long_due)
    while await worker.poll():
        await asyncio.gather(*worker.running.values())
    return await task_states()


async def task_states() -> list[tuple[str, str, int]]:
    rows = PostCallTask.objects.order_by("call", "kind")
    return [row async for row in rows.values_list("kind", "state", "attempts")]


make_webhook_bot = sync_to_async(webhook_bot)


make_ended = sync_to_async(ended_call)
