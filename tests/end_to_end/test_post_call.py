"""Summaries and webhooks after calls, on real servers: killed, restarted, several."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from decimal import Decimal

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db.models.functions import Now
from django.utils import timezone

from bots.models import Bot
from bots.models.secret import Secret
from calls.diagnostics.post_call_probes import probe_post_call_tasks
from calls.models import Call, PostCallTask
from calls.models.post_call_task import Kind, State
from calls.post_call.queue import LEASES
from calls.post_call.worker import POLL_SECONDS
from calls.simulator.call import SimulatedCall
from tests.calls.operations.test_metrics import figures
from tests.conftest import tracebacks
from tests.end_to_end.test_live import closed, dial, make_bot
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, manage, running
from tests.support.receiver import SECRET, Receiver, receiving
from tests.support.services import Missing, Postgres

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+15005550060"
DONE = [("done", 1)]
SUMMARY = {"summary": "About hours.", "outcome": "answered"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def env(database_url: str, inworld: FakeInworld) -> dict[str, str]:
    """The environment of a server with the tests' keys, so that it can read secrets."""
    return {
        "DATABASE_URL": database_url,
        "INWORLD_BASE_URL": inworld.url,
        "TOOL_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    }


async def make_webhook_bot(receiver: Receiver, **settings: object) -> Bot:
    def make() -> Secret:
        secret = Secret(name="crm")
        secret.set_value(SECRET)
        secret.save()
        return secret

    secret = await sync_to_async(make)()
    return await make_bot(
        NUMBER, webhook_url=receiver.url, webhook_secret=secret, **settings
    )


async def conversation(server: LiveServer, *said: str) -> SimulatedCall:
    async with dial(server, to=NUMBER) as call:
        await call.reply()
        for words in said:
            await call.say(words)
            await call.reply()
    return call


async def wait_for_states(wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Wait until the states of tasks, by kind, meet a condition; return them."""
    async with asyncio.timeout(20):
        while True:
            rows = PostCallTask.objects.values_list("kind", "state")
            if wanted(now := {kind: state async for kind, state in rows}):
                return now
            await asyncio.sleep(0.02)


async def test_the_webhook_has_the_summary_and_follows_the_call_soon(
    env: dict[str, str], inworld: FakeInworld, receiver: Receiver
) -> None:
    await make_webhook_bot(receiver, summary_prompt="Sum up.", outcomes="answered")
    inworld.returns_text(json.dumps(SUMMARY))
    async with running(**env) as server:
        call = await conversation(server, "When do you open?")
        row = await closed(call.call_sid)
        (delivery,) = await receiver.until(1)
        assert row.ended_at
        waited = (timezone.now() - row.ended_at).total_seconds()
        await wait_for_states(lambda now: now == {"summary": "done", "webhook": "done"})
        metrics = await figures(server)
    assert waited < POLL_SECONDS + 3
    assert delivery.is_signed
    assert delivery.call["call_sid"] == call.call_sid
    assert delivery.call["summary"] == "About hours."
    assert [turn["text"] for turn in delivery.call["turns"]][1] == "When do you open?"
    used = {line["kind"]: line["units"] for line in delivery.call["cost_lines"]}
    assert used.keys() >= {"line-in", "relay", "tokens-read", "speech"}
    assert Decimal(used["tokens-read"]) * 1_000_000 == 9  # of the answer
    for kind in ("summary", "webhook"):
        assert metrics[f"voicebot_post_call_attempts_total{{{kind}}}{{done}}"] == 1
        assert f"voicebot_post_call_tasks_waiting{{{kind}}}" in metrics
    assert tracebacks(server.output) == []


async def test_no_summary_is_requested_for_a_silent_call(
    env: dict[str, str], inworld: FakeInworld, receiver: Receiver
) -> None:
    await make_webhook_bot(receiver, summary_prompt="Sum up.")
    async with running(**env) as server:
        await conversation(server)
        (delivery,) = await receiver.until(1)
    assert delivery.call["summary"] == ""
    assert inworld.texts == []


async def test_the_next_server_does_the_tasks_of_a_killed_one(
    env: dict[str, str], receiver: Receiver
) -> None:
    await make_webhook_bot(receiver)
    receiver.answers.clear()
    async with running(**env) as server:
        call = await conversation(server, "Hello.")
        await receiver.until(1)  # which has no answer yet
        server.process.kill()
    row = await PostCallTask.objects.aget()
    assert (row.state, row.attempts) == (State.WAITING, 1)
    receiver.answers.set()
    # Another server may take the task only after its lease: pretend that it is over.
    await PostCallTask.objects.aupdate(due_at=row.due_at - LEASES[Kind.WEBHOOK])
    async with running(**env):
        first, again = await receiver.until(2)
        await wait_for_states(lambda now: now == {"webhook": "done"})
    assert again.call["call_sid"] == call.call_sid
    same = "X-Voicebot-Delivery"
    assert again.headers[same] == first.headers[same]


async def test_two_servers_send_the_webhook_of_each_call_once(
    env: dict[str, str], receiver: Receiver, redis_url: str
) -> None:
    await make_webhook_bot(receiver)
    env |= {"REDIS_URL": redis_url}
    async with running(**env) as first, running(**env) as second:
        calls = await asyncio.gather(
            *(conversation(server, "Hi.") for server in [first, second] * 3)
        )
        await receiver.until(6)
        await wait_for_states(lambda now: set(now.values()) == {"done"})
    delivered = sorted(d.call["call_sid"] for d in receiver.deliveries)
    assert delivered == sorted(call.call_sid for call in calls)


MAKE_BOT = """
from bots.models import Bot
from bots.models.secret import Secret
secret = Secret(name="crm")
secret.set_value("{secret}")
secret.save()
Bot.objects.update(webhook_url="{url}", webhook_secret=secret)
"""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    try:
        with Postgres() as own:
            yield own
    except Missing as missing:
        pytest.skip(str(missing))


async def test_a_webhook_sent_while_the_database_stops_is_not_repeated(
    inworld: FakeInworld, receiver: Receiver, postgres: Postgres
) -> None:
    env = {
        "DATABASE_URL": postgres.url,
        "INWORLD_BASE_URL": inworld.url,
        "TOOL_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    }
    make_bot_there = MAKE_BOT.format(secret=SECRET, url=receiver.url)
    await asyncio.to_thread(manage, env, "setup")
    await asyncio.to_thread(manage, env, "shell", "-c", make_bot_there)
    receiver.answers.clear()
    async with running(**env) as server:
        async with dial(server) as call:
            await call.reply()
        await receiver.until(1)
        await asyncio.to_thread(postgres.stop)
        receiver.answers.set()
        await asyncio.to_thread(postgres.start)
        await done_in(postgres.url)
    (delivery,) = receiver.deliveries
    assert delivery.is_signed
    assert "Traceback" not in server.output


async def done_in(url: str) -> None:
    """Wait until the database shows every task done at the first attempt."""
    async with asyncio.timeout(15):
        while True:
            if await asyncio.to_thread(tasks_in, url) == DONE:
                return
            await asyncio.sleep(0.05)


def tasks_in(url: str) -> list[tuple[str, int]]:
    with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT state, attempts FROM calls_postcalltask"
        ).fetchall()
    return []


async def test_doctor_reports_failed_tasks_and_unsigned_webhooks(
    receiver: Receiver,
) -> None:
    look = sync_to_async(
        lambda: [finding.message for finding in probe_post_call_tasks()]
    )
    assert await look() == ["No summary and no webhook was given up lately."]
    bot = await make_webhook_bot(receiver)
    call = await Call.objects.acreate(call_sid="CA1", started_at=timezone.now())
    await PostCallTask.objects.acreate(
        call=call, kind=Kind.WEBHOOK, state=State.FAILED, due_at=Now()
    )
    await Secret.objects.aupdate(encrypted_value="encrypted with another key")
    lost, given_up = await look()
    assert lost.startswith(f"The webhook of {bot} cannot open the secret")
    assert given_up.startswith("Given up in the last day: 1 x webhook.")
    await Bot.objects.aupdate(webhook_secret=None)
    assert "has no secret" in (await look())[0]
