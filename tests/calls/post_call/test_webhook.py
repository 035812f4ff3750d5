"""Webhooks about ended calls, and their retries."""

import pytest
from django.conf import LazySettings
from django.utils import timezone

from bots.models import Bot
from calls.models import PostCallTask
from calls.models.post_call_task import Kind
from calls.post_call import queue, retry_schedule
from calls.post_call.worker import PostCallWorker
from tests.calls.post_call.ended_calls import make_ended, make_webhook_bot, run_tasks
from tests.support.receiver import Receiver
from tests.support.tool_server import Said, ToolServer, json_answer, redirect

pytestmark = pytest.mark.django_db(transaction=True)


async def make_ended_for_hook(
    tools: ToolServer, receiver: Receiver, settings: LazySettings
) -> None:
    """End a call whose webhook is `/hook` of the tool server."""
    settings.TOOL_ALLOWED_PRIVATE_HOSTS += [f"127.0.0.1:{tools.port}"]
    bot = await make_webhook_bot(receiver)
    await Bot.objects.aupdate(webhook_url=f"{tools.url}/hook")
    await make_ended(bot, 1, "Hi.")


async def test_a_failing_receiver_is_tried_again_until_it_takes_it(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    receiver.statuses.extend([500, 302, 404])
    bot = await make_webhook_bot(receiver)
    await make_ended(bot, 1, "Hi.")
    for number in (1, 2, 3):
        assert await run_tasks(worker) == [("webhook", "waiting", number)]
        row = await PostCallTask.objects.aget()
        wait = retry_schedule.delay_after("webhook", number, 0) or 0
        left = (row.due_at - timezone.now()).total_seconds()
        assert wait - 2 < left <= wait * 1.2
    assert await run_tasks(worker) == [("webhook", "done", 4)]
    row = await PostCallTask.objects.aget()
    assert [entry["status"] for entry in row.log] == [500, 302, 404, 204]
    assert [entry["done"] for entry in row.log] == [False, False, False, True]
    names = {
        delivery.headers["X-Voicebot-Delivery"] for delivery in receiver.deliveries
    }
    assert names == {str(row.pk)}
    assert all(delivery.is_signed for delivery in receiver.deliveries)


async def test_a_receiver_that_is_gone_is_not_asked_again(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    receiver.statuses.append(410)
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    assert await run_tasks(worker) == [("webhook", "failed", 1)]


async def test_a_receiver_that_hangs_or_is_away_is_tried_again_and_given_up(
    worker: PostCallWorker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(queue.SECONDS, Kind.WEBHOOK, 0.1)
    receiver.statuses.append(0)
    bot = await make_webhook_bot(receiver)
    await make_ended(bot, 1, "Hi.")
    assert await run_tasks(worker) == [("webhook", "waiting", 1)]
    await Bot.objects.aupdate(webhook_url="http://127.0.0.1:9/calls")
    for number in range(2, retry_schedule.max_attempts("webhook")):
        assert await run_tasks(worker) == [("webhook", "waiting", number)]
    most = retry_schedule.max_attempts("webhook")
    assert await run_tasks(worker) == [("webhook", "failed", most)]
    row = await PostCallTask.objects.aget()
    assert row.log[0]["words"].startswith("No answer within")
    assert all(entry["status"] == 0 for entry in row.log)


@pytest.mark.parametrize("fault", ["gone", "lost", "private"])
async def test_what_cannot_or_must_not_be_sent_is_reported(
    worker: PostCallWorker, receiver: Receiver, settings: LazySettings, fault: str
) -> None:
    bot = await make_webhook_bot(receiver)
    await make_ended(bot, 1, "Hi.")
    match fault:
        case "gone":
            await Bot.objects.aupdate(webhook_secret=None)
        case "lost":
            settings.SECRET_KEY = "another-one"
        case "private":
            settings.TOOL_ALLOWED_PRIVATE_HOSTS = []
    assert await run_tasks(worker) == [("webhook", "waiting", 1)]
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
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    await Bot.objects.aupdate(webhook_url="")
    assert await run_tasks(worker) == [("webhook", "failed", 1)]
    assert receiver.deliveries == []


async def test_of_a_deleted_bot_the_calls_own_settings_count(
    worker: PostCallWorker, receiver: Receiver
) -> None:
    await make_ended(await make_webhook_bot(receiver), 1, "Hi.")
    await Bot.objects.all().adelete()
    assert await run_tasks(worker) == [("webhook", "done", 1)]


SIGN_IN = Said(200, b"<h1>Sign in</h1>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("status", "answer", "state", "words"),
    [
        (302, json_answer('{"ok": true}'), "done", ""),
        (303, Said(204, b""), "done", ""),
        (302, SIGN_IN, "failed", "redirects to a web page, such as a sign-in"),
        (302, Said(500, b""), "failed", "there is status 500. It may have taken it"),
        (
            301,
            json_answer("{}"),
            "failed",
            "another host, localhost, which gets nothing",
        ),
        (
            307,
            json_answer("{}"),
            "failed",
            "another host, localhost, which gets nothing",
        ),
        (
            308,
            json_answer("{}"),
            "failed",
            "another host, localhost, which gets nothing",
        ),
    ],
)
async def test_a_redirect_to_another_host_ends_the_delivery(
    status: int,
    answer: Said,
    state: str,
    words: str,
    worker: PostCallWorker,
    tools: ToolServer,
    receiver: Receiver,
    settings: LazySettings,
) -> None:
    settings.TOOL_ALLOWED_PRIVATE_HOSTS += ["localhost"]
    tools.answers["/hook"] = redirect(f"http://localhost:{tools.port}/echo", status)
    tools.answers["/echo"] = answer
    await make_ended_for_hook(tools, receiver, settings)
    assert await run_tasks(worker) == [("webhook", state, 1)]
    assert [asked.method for asked in tools.requests].count("POST") == 1
    for asked in tools.requests[1:]:
        assert not any(name.startswith("x-voicebot") for name in asked.headers)
    (entry,) = (await PostCallTask.objects.aget()).log
    assert words in entry["words"]


@pytest.mark.parametrize("to", ["/hook", "http://10.0.0.1/echo", "https://a.invalid/"])
async def test_a_redirect_that_leads_nowhere_is_not_tried_again(
    to: str,
    worker: PostCallWorker,
    tools: ToolServer,
    receiver: Receiver,
    settings: LazySettings,
) -> None:
    tools.answers["/hook"] = redirect(to)
    await make_ended_for_hook(tools, receiver, settings)
    assert await run_tasks(worker) == [("webhook", "failed", 1)]


async def test_a_slash_at_the_end_loses_no_delivery(
    worker: PostCallWorker,
    tools: ToolServer,
    receiver: Receiver,
    settings: LazySettings,
) -> None:
    tools.answers |= {"/hook": redirect("/hook/", 301), "/hook/": Said(204, b"")}
    await make_ended_for_hook(tools, receiver, settings)
    assert await run_tasks(worker) == [("webhook", "done", 1)]
    assert [(asked.method, asked.path) for asked in tools.requests] == [
        ("POST", "/hook"),
        ("POST", "/hook/"),
    ]
    assert tools.requests[0].body == tools.requests[1].body
    assert "x-voicebot-signature" in tools.requests[1].headers
