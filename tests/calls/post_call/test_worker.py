"""What is done after a call: by a worker on real sockets, with a real receiver."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.db.models.functions import Now
from django.utils import timezone

from bots.config_builder import config_of
from bots.inworld.client import Inworld
from bots.models import Bot
from bots.models.secret import Secret
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind, State
from calls.operations.reaper import Reaper
from calls.post_call import queue, retry_schedule
from calls.post_call import worker as worker_module
from calls.post_call.queue import Attempt
from calls.post_call.worker import PostCallWorker
from calls.review.export import TURNS, record_of
from calls.transcripts.task_creation import create_tasks
from calls.transcripts.writes import CallClosed, TurnWrite, write_all
from calls.turns.turn import Turn as SpokenTurn
from calls.webhooks.open_call import close_call, refuse_call
from tests.support.inworld.server import FakeInworld, Pause, Status
from tests.support.pages.calls import START, make_call, say
from tests.support.receiver import SECRET, Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)

UPSHOT = {
    "summary": "Ann wants a table.",
    "outcome": "booked",
    "fields": {"email": "ann@example.com"},
}
ASKING = {
    "summary_prompt": "What was agreed.",
    "outcomes": "booked, call back",
    "summary_fields": "email: the caller's address",
}


@pytest.fixture
async def receiver(settings: LazySettings) -> AsyncIterator[Receiver]:
    async with receiving() as found:
        settings.TOOL_ALLOWED_PRIVATE_HOSTS = ["127.0.0.1"]
        yield found


@pytest.fixture
async def worker(inworld: FakeInworld) -> AsyncIterator[PostCallWorker]:
    client = Inworld(inworld.url, "key")
    found = PostCallWorker(client)
    yield found
    await found.aclose()
    await client.aclose()


def telling(receiver: Receiver, **settings: Any) -> Bot:
    """A bot that tells a receiver of its calls."""
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


async def worked(worker: PostCallWorker) -> list[tuple[str, str, int]]:
    """Do all that waits, whenever it is due; how everything stands then."""
    # Well before now, whatever a clock that is being set does.
    long_due = Now() - timedelta(minutes=1)
    await PostCallTask.objects.filter(state=State.WAITING).aupdate(due_at=long_due)
    while await worker.look():
        await asyncio.gather(*worker.running.values())
    return await standing()


async def standing() -> list[tuple[str, str, int]]:
    rows = PostCallTask.objects.order_by("call", "kind")
    return [row async for row in rows.values_list("kind", "state", "attempts")]


make_telling = sync_to_async(telling)
make_ended = sync_to_async(ended_call)


# What is owed


@pytest.mark.parametrize(
    ("settings", "said", "values", "owed"),
    [
        (ASKING, "Hi.", {}, {"summary", "webhook"}),
        ({"outcomes": "booked"}, "Hi.", {}, {"summary", "webhook"}),
        ({}, "Hi.", {}, {"webhook"}),
        (ASKING, "", {}, {"webhook"}),  # nothing was said
        (ASKING, "Hi.", {"is_test": True}, {"summary"}),
        ({}, "Hi.", {"is_test": True}, set()),
    ],
)
def test_what_is_owed_depends_on_the_bot_and_the_call(
    settings: dict[str, str], said: str, values: dict[str, Any], owed: set[str]
) -> None:
    bot = telling(Receiver(), **settings)
    bot.webhook_url = "https://crm.example/calls"
    call = ended_call(bot, 1, *filter(None, [said]), **values)
    assert {row.kind for row in call.post_call_tasks.all()} == owed


def test_the_last_turns_of_a_call_count_and_nothing_is_owed_twice(bot: Bot) -> None:
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


async def test_whoever_closes_a_call_notes_what_is_owed() -> None:
    bot = await make_telling(Receiver())
    stored = await sync_to_async(lambda: config_of(bot).to_json())()
    stored["webhook_url"] = "https://crm.example/calls"
    going_on = {"status": "in-progress", "ended_at": None, "settings": stored}
    one, two = [await sync_to_async(make_call)(n, **going_on) for n in (1, 2)]
    assert await close_call(one.call_sid, "failed", Call.EndReason.BOT_FAILED)
    await Call.objects.filter(pk=two.pk).aupdate(last_seen_at=START - timedelta(days=1))
    reaper = Reaper()
    assert [await sync_to_async(reaper.run)() for _ in range(2)] == [0, 1]
    assert await standing() == [("webhook", "waiting", 0)] * 2


async def test_nothing_is_owed_for_a_call_that_no_bot_took() -> None:
    await refuse_call({"CallSid": "CA9"}, Call.EndReason.BUSY)
    ids = Call.objects.values_list("pk", flat=True)
    await sync_to_async(lambda: create_tasks(list(ids)))()
    assert await standing() == []


# The summary, and after it the webhook


async def test_a_call_is_summed_up_and_then_told_with_its_summary(
    worker: PostCallWorker, inworld: FakeInworld, receiver: Receiver
) -> None:
    bot = await make_telling(receiver, **ASKING, summary_model="small/model")
    call = await make_ended(bot, 1, "A table, please. [pressed keys, not kept]")
    inworld.tells(json.dumps(UPSHOT))
    assert await worked(worker) == [("summary", "done", 1), ("webhook", "done", 1)]

    (asked,) = inworld.texts
    assert asked.body["model"] == "small/model"
    assert "audio" not in asked.body
    schema = asked.body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["outcome"]["enum"][0] == "booked"
    record = asked.body["messages"][1]["content"]
    assert 'Caller: "A table, please. [pressed keys, not kept]"' in record
    assert "The bot ended the call" in record

    (told,) = receiver.deliveries
    whole = await Call.objects.prefetch_related(TURNS).aget(pk=call.pk)
    assert (whole.summary, whole.outcome) == ("Ann wants a table.", "booked")
    assert told.is_signed
    assert told.call == json.loads(json.dumps(record_of(whole)))
    assert told.call["fields"] == {"email": "ann@example.com"}
    assert told.call["end_reason"] == "bot-hung-up"
    assert told.headers["X-Voicebot-Event"] == "call.ended"
    assert told.headers["Content-Type"] == "application/json"


async def test_what_of_the_bot_was_not_heard_is_not_summed_up(
    worker: PostCallWorker, inworld: FakeInworld
) -> None:
    bot = await Bot.objects.acreate(name="Ada", summary_prompt="Sum up.")
    call = await make_ended(bot, 1, "Hi.")
    tool = {"name": "look_up", "arguments": '{"pin": "••••"}', "result": "Found."}
    say_later = sync_to_async(say)
    await say_later(call, "bot", "Heard and unheard.", heard_text="Heard")
    await say_later(call, "system", "One moment.")
    await say_later(call, "tool", "look_up", tool_call=tool)
    await worked(worker)
    record = inworld.texts[0].body["messages"][1]["content"]
    assert 'Bot: "Heard"' in record
    assert "unheard" not in record
    assert "One moment" not in record
    assert "look_up" in record
    assert "Found." in record


@pytest.mark.parametrize(
    ("told", "summary", "outcome"),
    [
        ('{"summary": "x", "outcome": "sold the company"}', "x", ""),
        ('So: {"summary": "x", "outcome": "Booked"} Bye.', "x", "booked"),
    ],
)
async def test_only_what_was_asked_for_is_kept(
    worker: PostCallWorker, inworld: FakeInworld, told: str, summary: str, outcome: str
) -> None:
    bot = await Bot.objects.acreate(name="Ada", **ASKING)
    call = await make_ended(bot, 1, "Hi.")
    inworld.tells(told)
    assert await worked(worker) == [("summary", "done", 1)]
    await call.arefresh_from_db()
    assert (call.summary, call.outcome, call.extracted_fields) == (summary, outcome, {})


async def test_without_a_readable_summary_the_webhook_goes_out_in_the_end(
    worker: PostCallWorker, inworld: FakeInworld, receiver: Receiver
) -> None:
    bot = await make_telling(receiver, **ASKING)
    await make_ended(bot, 1, "Hi.")
    most = retry_schedule.max_attempts("summary")
    inworld.tells("I cannot.", *[Status(500)] * (most - 1))
    for number in range(1, most):
        found = await worked(worker)
        assert found == [("summary", "waiting", number), ("webhook", "waiting", 0)]
    assert await worked(worker) == [("summary", "failed", most), ("webhook", "done", 1)]
    assert receiver.deliveries[0].call["summary"] == ""
    row = await PostCallTask.objects.aget(kind=Kind.SUMMARY)
    assert [entry["status"] for entry in row.log] == [0, 500, 500, 500]
    assert row.log[0]["words"].startswith("The model's answer was not the JSON")


async def test_a_model_that_knows_no_schemas_is_asked_in_words(
    worker: PostCallWorker, inworld: FakeInworld
) -> None:
    bot = await Bot.objects.acreate(name="Ada", **ASKING)
    await make_ended(bot, 1, "Hi.")
    inworld.tells(Status(400), json.dumps(UPSHOT))
    assert await worked(worker) == [("summary", "done", 1)]
    first, second = inworld.texts
    assert "response_format" in first.body
    assert "response_format" not in second.body
    assert "booked" in second.body["messages"][0]["content"]


async def test_a_model_that_hangs_is_given_up_on(
    worker: PostCallWorker, inworld: FakeInworld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(queue.SECONDS, Kind.SUMMARY, 0.1)
    bot = await Bot.objects.acreate(name="Ada", **ASKING)
    await make_ended(bot, 1, "Hi.")
    inworld.tells(Pause())
    assert await worked(worker) == [("summary", "waiting", 1)]
    row = await PostCallTask.objects.aget()
    assert row.log[0]["words"] == "The model did not answer in time."


async def test_summaries_take_none_of_the_slots_of_calls(inworld: FakeInworld) -> None:
    client = Inworld(inworld.url, "key", concurrency=1)
    worker = PostCallWorker(client)
    bot = await Bot.objects.acreate(name="Ada", **ASKING)
    await make_ended(bot, 1, "Hi.")
    inworld.tells(json.dumps(UPSHOT))
    async with client._slot:  # every slot is taken
        assert await worked(worker) == [("summary", "done", 1)]
    await client.aclose()


# The webhook


async def test_a_failing_receiver_is_tried_again_until_it_takes_it(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    receiver.statuses.extend([500, 302, 404])
    bot = await make_telling(receiver)
    await make_ended(bot, 1, "Hi.")
    for number in (1, 2, 3):
        assert await worked(worker) == [("webhook", "waiting", number)]
        row = await PostCallTask.objects.aget()
        wait = retry_schedule.delay_after("webhook", number, 0) or 0
        left = (row.due_at - timezone.now()).total_seconds()
        assert wait - 2 < left <= wait * 1.2
    assert await worked(worker) == [("webhook", "done", 4)]
    row = await PostCallTask.objects.aget()
    assert [entry["status"] for entry in row.log] == [500, 302, 404, 204]
    assert [entry["done"] for entry in row.log] == [False, False, False, True]
    names = {told.headers["X-Voicebot-Delivery"] for told in receiver.deliveries}
    assert names == {str(row.pk)}
    assert all(told.is_signed for told in receiver.deliveries)


async def test_a_receiver_that_is_gone_is_not_asked_again(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    receiver.statuses.append(410)
    await make_ended(await make_telling(receiver), 1, "Hi.")
    assert await worked(worker) == [("webhook", "failed", 1)]


async def test_a_receiver_that_hangs_or_is_away_is_tried_again_and_given_up(
    worker: PostCallWorker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(queue.SECONDS, Kind.WEBHOOK, 0.1)
    receiver.statuses.append(0)
    bot = await make_telling(receiver)
    await make_ended(bot, 1, "Hi.")
    assert await worked(worker) == [("webhook", "waiting", 1)]
    await Bot.objects.aupdate(webhook_url="http://127.0.0.1:9/calls")
    for number in range(2, retry_schedule.max_attempts("webhook")):
        assert await worked(worker) == [("webhook", "waiting", number)]
    most = retry_schedule.max_attempts("webhook")
    assert await worked(worker) == [("webhook", "failed", most)]
    row = await PostCallTask.objects.aget()
    assert row.log[0]["words"].startswith("No answer within")
    assert all(entry["status"] == 0 for entry in row.log)


@pytest.mark.parametrize("fault", ["gone", "lost", "private"])
async def test_what_cannot_or_must_not_be_sent_is_told(
    worker: PostCallWorker, receiver: Receiver, settings: LazySettings, fault: str
) -> None:
    bot = await make_telling(receiver)
    await make_ended(bot, 1, "Hi.")
    match fault:
        case "gone":
            await Bot.objects.aupdate(webhook_secret=None)
        case "lost":
            settings.SECRET_KEY = "another-one"
        case "private":
            settings.TOOL_ALLOWED_PRIVATE_HOSTS = []
    assert await worked(worker) == [("webhook", "waiting", 1)]
    (entry,) = (await PostCallTask.objects.aget()).log
    words = {
        "gone": "no secret to sign",
        "lost": "another SECRET_KEY",
        "private": "public address",
    }
    assert words[fault] in entry["words"]
    assert receiver.deliveries == []


async def test_a_webhook_that_was_taken_away_gets_nothing_any_more(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_telling(receiver), 1, "Hi.")
    await Bot.objects.aupdate(webhook_url="")
    assert await worked(worker) == [("webhook", "failed", 1)]
    assert receiver.deliveries == []


async def test_of_a_deleted_bot_the_calls_own_settings_count(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_telling(receiver), 1, "Hi.")
    await Bot.objects.all().adelete()
    assert await worked(worker) == [("webhook", "done", 1)]


# Any number of workers


async def test_no_worker_does_what_another_does(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    bot = await make_telling(receiver)
    for number in range(12):
        await make_ended(bot, number, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    others = [worker, *(PostCallWorker(worker.inworld) for _ in range(3))]
    while await PostCallTask.objects.filter(state=State.WAITING).aexists():
        await asyncio.gather(*(each.look() for each in others))
        begun = [task for each in others for task in each.running.values()]
        await asyncio.gather(*begun)
    names = [told.headers["X-Voicebot-Delivery"] for told in receiver.deliveries]
    assert len(names) == len(set(names)) == 12


async def test_what_a_killed_process_had_begun_is_taken_up_once_its_time_is_over(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_telling(receiver), 1, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    claim = sync_to_async(queue.claim)
    (lost,) = await claim(Kind.WEBHOOK, 1, 1, Counter())
    assert await worker.look() == 0
    row = await PostCallTask.objects.aget()
    assert row.due_at - timezone.now() > timedelta(seconds=40)
    assert await worked(worker) == [("webhook", "done", 2)]
    # Whoever had it and comes back has nothing to say any more.
    settle = sync_to_async(queue.settle)
    assert await settle(lost, Attempt(False), 1, 0) is None
    assert await standing() == [("webhook", "done", 2)]


async def test_what_kills_its_process_each_time_is_given_up(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_telling(receiver), 1, "Hi.")
    most = retry_schedule.max_attempts("webhook")
    await PostCallTask.objects.aupdate(attempts=most)
    assert await worked(worker) == [("webhook", "failed", most + 1)]
    assert receiver.deliveries == []


async def test_one_bots_hanging_receiver_leaves_room_for_others(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    bot = await make_telling(receiver)
    receiver.statuses.extend([0] * 8)
    for number in range(8):
        await make_ended(bot, number, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now() - timedelta(minutes=1))
    assert await worker.look() == 5
    await receiver.until(5)
    receiver.statuses.clear()
    other = await Bot.objects.acreate(
        name="Bea", webhook_url=receiver.url, webhook_secret_id=bot.webhook_secret_id
    )
    call = await make_ended(other, 99, "Hi.")
    await call.post_call_tasks.aupdate(due_at=Now())
    assert await worker.look() == 1
    *_, last = await receiver.until(6)
    assert last.call["bot"] == "Bea"


async def test_a_worker_that_ends_gives_back_what_it_had_begun(
    worker: PostCallWorker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "CLOSE_SECONDS", 0.05)
    receiver.statuses.append(0)
    await make_ended(await make_telling(receiver), 1, "Hi.")
    await PostCallTask.objects.aupdate(due_at=Now())
    worker.start()
    await receiver.until(1)
    await worker.aclose()
    row = await PostCallTask.objects.aget()
    assert row.state == State.WAITING
    assert row.due_at <= timezone.now()


async def test_a_started_worker_hears_of_a_call_that_ends(
    worker: PostCallWorker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "POLL_SECONDS", 1000)
    worker.start()
    bot = await make_telling(receiver)
    began = asyncio.get_running_loop().time()
    await make_ended(bot, 1, "Hi.")
    await receiver.until(1)
    assert asyncio.get_running_loop().time() - began < 3


async def test_logs_tell_the_call_and_nothing_of_it(
    worker: PostCallWorker,
    receiver: Receiver,
    inworld: FakeInworld,
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.statuses.append(500)
    bot = await make_telling(receiver, **ASKING)
    call = await make_ended(bot, 1, "My number is 4711.")
    inworld.tells("no json of Ann")
    await worked(worker)
    await worked(worker)
    assert call.call_sid in caplog.text
    for secret in ("4711", "Ann", SECRET, call.from_number, receiver.url):
        assert secret not in caplog.text


def test_attempts_are_further_and_further_apart() -> None:
    waits = [retry_schedule.delay_after("webhook", number, 0) for number in range(1, 9)]
    assert waits == [10, 50, 240, 1500, 5400, 14_400, 21_600, None]
    assert [
        retry_schedule.delay_after("summary", number, 0) for number in range(1, 5)
    ] == [*(10, 50, 240, None)]
    assert retry_schedule.delay_after("webhook", 1, 1) == 12
