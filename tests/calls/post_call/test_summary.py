"""Summaries of calls."""

import json

import pytest
from asgiref.sync import sync_to_async

from bots.inworld.client import Inworld
from bots.models import Bot
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind
from calls.post_call import queue, retry_schedule
from calls.post_call.summarizer import UNREADABLE
from calls.post_call.worker import PostCallWorker
from calls.review.export import TURNS, WRITTEN, record_of
from tests.calls.post_call.ended_calls import (
    SUMMARY,
    SUMMARY_SETTINGS,
    make_ended,
    make_webhook_bot,
    run_tasks,
)
from tests.support.inworld.server import FakeInworld, Pause, Status
from tests.support.pages.calls import say
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_is_summed_up_and_then_sent_with_its_summary(
    worker: PostCallWorker, inworld: FakeInworld, receiver: Receiver
) -> None:
    bot = await make_webhook_bot(
        receiver, **SUMMARY_SETTINGS, summary_model="small/model"
    )
    call = await make_ended(bot, 1, "A table, please. [pressed keys, not kept]")
    inworld.returns_text(json.dumps(SUMMARY))
    assert await run_tasks(worker) == [("summary", "done", 1), ("webhook", "done", 1)]

    (asked,) = inworld.texts
    assert asked.body["model"] == "small/model"
    assert "audio" not in asked.body
    schema = asked.body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["outcome"]["enum"][0] == "booked"
    record = asked.body["messages"][1]["content"]
    assert 'Caller: "A table, please. [pressed keys, not kept]"' in record
    assert "The bot ended the call" in record

    (delivery,) = receiver.deliveries
    calls = Call.objects.prefetch_related(TURNS, *WRITTEN).select_related("cost")
    stored = await calls.aget(pk=call.pk)
    assert (stored.summary, stored.outcome) == ("Ann wants a table.", "booked")
    assert delivery.is_signed
    lines = {line["kind"]: line for line in delivery.call["cost_lines"]}
    assert lines.keys() > {"line-in", "tokens-read", "tokens-written"}
    assert delivery.call["cost_is_partial"]  # nobody knows the model's prices
    assert delivery.call == json.loads(json.dumps(record_of(stored)))
    assert delivery.call["fields"] == {"email": "ann@example.com"}
    assert delivery.call["end_reason"] == "bot-hung-up"
    assert delivery.headers["X-Voicebot-Event"] == "call.ended"
    assert delivery.headers["Content-Type"] == "application/json"


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
    await run_tasks(worker)
    record = inworld.texts[0].body["messages"][1]["content"]
    assert 'Bot: "Heard"' in record
    assert "unheard" not in record
    assert "One moment" not in record
    assert "look_up" in record
    assert "Found." in record


@pytest.mark.parametrize(
    ("answer", "summary", "outcome"),
    [
        ('{"summary": "x", "outcome": "sold the company"}', "x", ""),
        ('So: {"summary": "x", "outcome": "Booked"} Bye.', "x", "booked"),
    ],
)
async def test_only_the_requested_keys_are_stored(
    worker: PostCallWorker,
    inworld: FakeInworld,
    answer: str,
    summary: str,
    outcome: str,
) -> None:
    bot = await Bot.objects.acreate(name="Ada", **SUMMARY_SETTINGS)
    call = await make_ended(bot, 1, "Hi.")
    inworld.returns_text(answer)
    assert await run_tasks(worker) == [("summary", "done", 1)]
    await call.arefresh_from_db()
    assert (call.summary, call.outcome, call.extracted_fields) == (summary, outcome, {})


async def test_without_a_readable_summary_the_webhook_goes_out_in_the_end(
    worker: PostCallWorker, inworld: FakeInworld, receiver: Receiver
) -> None:
    bot = await make_webhook_bot(receiver, **SUMMARY_SETTINGS)
    await make_ended(bot, 1, "Hi.")
    most = retry_schedule.max_attempts("summary")
    inworld.returns_text("I cannot.", *[Status(500)] * (most - 1))
    for number in range(1, most):
        states = await run_tasks(worker)
        assert states == [("summary", "waiting", number), ("webhook", "waiting", 0)]
    assert await run_tasks(worker) == [
        ("summary", "failed", most),
        ("webhook", "done", 1),
    ]
    assert receiver.deliveries[0].call["summary"] == ""
    row = await PostCallTask.objects.aget(kind=Kind.SUMMARY)
    assert [entry["status"] for entry in row.log] == [0, 500, 500, 500]
    assert row.log[0]["words"] == UNREADABLE


async def test_a_model_that_knows_no_schemas_is_asked_in_words(
    worker: PostCallWorker, inworld: FakeInworld
) -> None:
    bot = await Bot.objects.acreate(name="Ada", **SUMMARY_SETTINGS)
    await make_ended(bot, 1, "Hi.")
    inworld.returns_text(Status(400), json.dumps(SUMMARY))
    assert await run_tasks(worker) == [("summary", "done", 1)]
    first, second = inworld.texts
    assert "response_format" in first.body
    assert "response_format" not in second.body
    assert "booked" in second.body["messages"][0]["content"]


async def test_a_model_that_hangs_is_given_up_on(
    worker: PostCallWorker, inworld: FakeInworld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(queue.SECONDS, Kind.SUMMARY, 0.1)
    bot = await Bot.objects.acreate(name="Ada", **SUMMARY_SETTINGS)
    await make_ended(bot, 1, "Hi.")
    inworld.returns_text(Pause())
    assert await run_tasks(worker) == [("summary", "waiting", 1)]
    row = await PostCallTask.objects.aget()
    assert row.log[0]["words"] == "The model did not answer in time."


async def test_summaries_take_none_of_the_slots_of_calls(inworld: FakeInworld) -> None:
    client = Inworld(inworld.url, "key", concurrency=1)
    worker = PostCallWorker(client)
    bot = await Bot.objects.acreate(name="Ada", **SUMMARY_SETTINGS)
    await make_ended(bot, 1, "Hi.")
    inworld.returns_text(json.dumps(SUMMARY))
    async with client._slot:  # every slot is taken
        assert await run_tasks(worker) == [("summary", "done", 1)]
    await client.aclose()
