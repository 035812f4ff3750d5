"""Post-call workers: several at once, killed, stopped and started."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now
from django.utils import timezone

from bots.models import Bot
from calls.models import PostCallTask
from calls.models.post_call_task import Kind, State
from calls.post_call import queue, retry_schedule
from calls.post_call import worker as worker_module
from calls.post_call.queue import Attempt
from calls.post_call.worker import PostCallWorker
from tests.calls.post_call.ended_calls import (
    SUMMARY_SETTINGS,
    make_ended,
    make_webhook_bot,
    run_tasks,
    task_states,
)
from tests.support.inworld.server import FakeInworld
from tests.support.receiver import SECRET, Receiver

pytestmark = pytest.mark.django_db(transaction=True)


async def test_no_worker_does_what_another_does(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    bot = await make_webhook_bot(receiver)
    for number in range(12):
        await make_ended(bot, number, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    others = [worker, *(PostCallWorker(worker.inworld) for _ in range(3))]
    while await PostCallTask.objects.filter(state=State.WAITING).aexists():
        await asyncio.gather(*(each.poll() for each in others))
        begun = [task for each in others for task in each.running.values()]
        await asyncio.gather(*begun)
    names = [
        delivery.headers["X-Voicebot-Delivery"] for delivery in receiver.deliveries
    ]
    assert len(names) == len(set(names)) == 12


async def test_what_a_killed_process_had_begun_is_taken_up_once_its_time_is_over(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    claim = sync_to_async(queue.claim)
    (lost,) = await claim(Kind.WEBHOOK, 1, 1, Counter())
    assert await worker.poll() == 0
    row = await PostCallTask.objects.aget()
    assert row.due_at - timezone.now() > timedelta(seconds=40)
    assert await run_tasks(worker) == [("webhook", "done", 2)]
    # Whoever had it and comes back has nothing to say any more.
    settle = sync_to_async(queue.settle)
    assert await settle(lost, Attempt(False), 1, 0) is None
    assert await task_states() == [("webhook", "done", 2)]


async def test_what_kills_its_process_each_time_is_given_up(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    most = retry_schedule.max_attempts("webhook")
    await PostCallTask.objects.aupdate(attempts=most)
    assert await run_tasks(worker) == [("webhook", "failed", most + 1)]
    assert receiver.deliveries == []


async def test_one_bots_hanging_receiver_leaves_room_for_others(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    bot = await make_webhook_bot(receiver)
    receiver.statuses.extend([0] * 8)
    for number in range(8):
        await make_ended(bot, number, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now() - timedelta(minutes=1))
    assert await worker.poll() == 5
    await receiver.until(5)
    receiver.statuses.clear()
    other = await Bot.objects.acreate(
        name="Bea", webhook_url=receiver.url, webhook_secret_id=bot.webhook_secret_id
    )
    call = await make_ended(other, 99, "Hi.")
    await call.post_call_tasks.aupdate(due_at=Now())
    assert await worker.poll() == 1
    *_, last = await receiver.until(6)
    assert last.call["bot"] == "Bea"


async def test_a_worker_that_ends_gives_back_what_it_had_begun(
    worker: PostCallWorker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "CLOSE_SECONDS", 0.05)
    receiver.statuses.append(0)
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    worker.start()
    await receiver.until(1)
    await worker.aclose()
    row = await PostCallTask.objects.aget()
    assert row.state == State.WAITING
    assert row.due_at <= timezone.now()


async def test_a_started_worker_finds_a_call_that_ends(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    worker.seconds = 0.1
    worker.start()
    bot = await make_webhook_bot(receiver)
    await make_ended(bot, 1, "Hi.")
    await receiver.until(1)


async def test_logs_tell_the_call_and_nothing_of_it(
    worker: PostCallWorker,
    receiver: Receiver,
    inworld: FakeInworld,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.statuses.append(500)
    bot = await make_webhook_bot(receiver, **SUMMARY_SETTINGS)
    call = await make_ended(bot, 1, "My number is 4711.")
    inworld.returns_text("no json of Ann")
    await run_tasks(worker)
    await run_tasks(worker)
    assert call.call_sid in caplog.text
    for secret in ("4711", "Ann", SECRET, call.from_number, receiver.url):
        assert secret not in caplog.text
