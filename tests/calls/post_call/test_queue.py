"""The post-call tasks that an ended call leaves."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from bots.config_builder import config_of
from bots.models import Bot
from calls.models import Call
from calls.operations.reaper import Reaper
from calls.post_call import retry_schedule
from calls.transcripts.task_creation import create_tasks
from calls.transcripts.writes import CallClosed, TurnWrite, write_all
from calls.turns.turn import Turn as SpokenTurn
from calls.webhooks.open_call import close_call, refuse_call
from tests.calls.post_call.ended_calls import (
    SUMMARY_SETTINGS,
    ended_call,
    make_webhook_bot,
    task_states,
    webhook_bot,
)
from tests.support.pages.calls import START, make_call, say
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("settings", "said", "values", "kinds"),
    [
        (SUMMARY_SETTINGS, "Hi.", {}, {"summary", "webhook"}),
        ({"outcomes": "booked"}, "Hi.", {}, {"summary", "webhook"}),
        ({}, "Hi.", {}, {"webhook"}),
        (SUMMARY_SETTINGS, "", {}, {"webhook"}),  # nothing was said
        (SUMMARY_SETTINGS, "Hi.", {"is_test": True}, {"summary"}),
        ({}, "Hi.", {"is_test": True}, set()),
    ],
)
def test_the_tasks_depend_on_the_bot_and_the_call(
    settings: dict[str, str], said: str, values: dict[str, Any], kinds: set[str]
) -> None:
    bot = webhook_bot(Receiver(), **settings)
    bot.webhook_url = "https://crm.example/calls"
    call = ended_call(bot, 1, *filter(None, [said]), **values)
    assert {row.kind for row in call.post_call_tasks.all()} == kinds


def test_the_last_turns_of_a_call_count_and_no_task_is_created_twice(bot: Bot) -> None:
    Bot.objects.update(summary_prompt="Sum up.")
    bot.refresh_from_db()
    stored = config_of(bot).to_json()
    call = make_call(status="in-progress", ended_at=None, settings=stored)
    over = CallClosed(call.pk, Call.Status.COMPLETED, Call.EndReason.BOT_HUNG_UP, START)
    said = TurnWrite(call.pk, SpokenTurn(0, "caller", 0.0, "Hi."), lambda _: START)
    write_all([over, said])
    write_all([over])
    (row,) = call.post_call_tasks.all()
    assert row.due_at > timezone.now()  # its last turns may still come


def test_a_call_that_goes_on_elsewhere_is_not_over(bot: Bot) -> None:
    Bot.objects.update(summary_prompt="Sum up.")
    bot.refresh_from_db()
    stored = config_of(bot).to_json()
    call = make_call(status="in-progress", ended_at=None, settings=stored, reconnects=1)
    say(call, "caller", "Hi.")
    reason = Call.EndReason.CONNECTION_LOST
    write_all([CallClosed(call.pk, Call.Status.FAILED, reason, START, session=0)])
    assert not call.post_call_tasks.exists()


async def test_however_a_call_is_closed_its_tasks_are_created() -> None:
    bot = await make_webhook_bot(Receiver())
    stored = await sync_to_async(lambda: config_of(bot).to_json())()
    stored["webhook_url"] = "https://crm.example/calls"
    going_on = {"status": "in-progress", "ended_at": None, "settings": stored}
    one, two = [await sync_to_async(make_call)(n, **going_on) for n in (1, 2)]
    assert await close_call(one.call_sid, "failed", Call.EndReason.BOT_FAILED)
    await Call.objects.filter(pk=two.pk).aupdate(last_seen_at=START - timedelta(days=1))
    reaper = Reaper()
    assert [await sync_to_async(reaper.run)() for _ in range(2)] == [0, 1]
    assert await task_states() == [("webhook", "waiting", 0)] * 2


async def test_a_call_that_no_bot_took_has_no_tasks() -> None:
    await refuse_call({"CallSid": "CA9"}, Call.EndReason.BUSY)
    ids = Call.objects.values_list("pk", flat=True)
    await sync_to_async(lambda: create_tasks(list(ids)))()
    assert await task_states() == []


def test_attempts_are_further_and_further_apart() -> None:
    waits = [retry_schedule.delay_after("webhook", number, 0) for number in range(1, 9)]
    assert waits == [10, 50, 240, 1500, 5400, 14_400, 21_600, None]
    assert [
        retry_schedule.delay_after("summary", number, 0) for number in range(1, 5)
    ] == [*(10, 50, 240, None)]
    assert retry_schedule.delay_after("webhook", 1, 1) == 12
