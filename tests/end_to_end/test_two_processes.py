"""Two processes that share a database and a Redis: either one answers a request."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from bots.models import Bot
from calls.models import Call
from calls.simulator.line import Person
from calls.simulator.sound.clip_check import clip_seconds
from tests.conftest import tracebacks
from tests.end_to_end.test_live import closed, dial, turns, written
from tests.end_to_end.test_repeated_requests import goes_on, sent
from tests.end_to_end.test_transfer import (
    NUMBER,
    bot_with_people,
    came_back,
    transfer_call,
)
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer, running, serving
from tests.support.pages.live import operator, said, watching

pytestmark = pytest.mark.django_db(transaction=True)

Servers = tuple[LiveServer, LiveServer]


@pytest.fixture(scope="module")
def servers(deployment: dict[str, str]) -> Iterator[Servers]:
    """Two servers, as on two machines."""
    with serving(**deployment) as first, serving(**deployment) as second:
        yield first, second


@pytest.fixture
async def mortal_servers(deployment: dict[str, str]) -> AsyncIterator[Servers]:
    """Two servers of which a test may kill one."""
    async with running(**deployment) as first, running(**deployment) as second:
        yield first, second


async def test_a_call_is_served_and_seen_by_another_process_and_outlives_its_own(
    mortal_servers: Servers, inworld: FakeInworld, bot: Bot
) -> None:
    first, second = mortal_servers
    inworld.says("We open at nine.")
    inworld.says("At six.")
    async with AsyncExitStack() as stack:
        viewer = await stack.enter_async_context(watching(second, await operator()))
        call = await stack.enter_async_context(dial(first, others=(second.url,)))
        sid = call.call_sid
        await call.reply()
        await call.say("When do you open?")
        (answer,) = await call.reply()

        async with httpx.AsyncClient(base_url=second.url) as other:
            clip = await other.get(httpx.URL(answer.source).path)
        assert clip_seconds(clip) == answer.seconds

        seen = await viewer.sees(sid, lambda seen: len(seen["turns"]) == 3)
        assert said(seen)[1:] == [
            ("caller", "When do you open?", ""),
            ("bot", "We open at nine.", ""),
        ]

        await written(sid, lambda rows: len(rows) == 3 and bool(rows[2].heard_text))
        first.process.kill()
        await came_back(call)
        await call.hears(2)
        await call.say("And when do you close?")
        await call.reply()
        await viewer.sees(sid, lambda seen: 5 in seen["turns"])
        await call.hang_up()
        await viewer.sees(sid, lambda seen: "ended" in seen)
    assert call.errors == []
    row = await closed(sid)
    assert (row.end_reason, row.reconnects) == ("caller-hung-up", 1)
    rows = await turns(row)
    assert [(turn.role, turn.heard_text) for turn in rows if turn.role != "system"] == [
        ("bot", bot.greeting),
        ("caller", "When do you open?"),
        ("bot", "We open at nine."),
        ("caller", "And when do you close?"),
        ("bot", "At six."),
    ]
    assert tracebacks(second.output) == []


@pytest.mark.parametrize("status", ["in-progress", "ringing"])
async def test_the_request_of_a_call_of_another_process_comes_again(
    servers: Servers, bot: Bot, status: str
) -> None:
    first, second = servers
    async with dial(first) as call:
        await call.reply()
        for _ in range(2):
            answer = await sent(second, "/voice", call.call_sid, CallStatus=status)
            assert "ConversationRelay" not in answer
        assert await goes_on(call)
    assert (call.sessions, call.errors) == (1, [])
    assert (await Call.objects.aget(call_sid=call.call_sid)).reconnects == 0


async def test_an_operator_ends_a_call_of_another_process(
    servers: Servers, bot: Bot
) -> None:
    first, second = servers
    async with (
        watching(second, await operator()) as viewer,
        dial(first) as call,
    ):
        await call.reply()
        await viewer.sees(call.call_sid, lambda seen: seen["turns"])
        assert await viewer.command("end", call.call_sid) == ""
        await call.ends()
    assert (await closed(call.call_sid)).end_reason == "operator-ended"


async def test_another_process_than_the_calls_dials_a_person_and_gives_up(
    servers: Servers, inworld: FakeInworld
) -> None:
    first, second = servers
    await bot_with_people()
    inworld.answers(transfer_call())
    inworld.says("Sales is away.")
    line = {"others": (second.url,), "person": Person.MACHINE}
    async with dial(first, to=NUMBER, **line) as call:
        await call.reply()
        await call.say("Sales, please.")
        # Twilio's socket stays with the first process until its bot closes it.
        call.switch_server()
        await came_back(call)
        await call.hears(2)
    assert call.errors == []
    row = await closed(call.call_sid)
    assert (row.end_reason, row.failed_transfers) == ("caller-hung-up", 1)
    said = [turn.heard_text for turn in await turns(row)]
    assert said[-1] == "Sales is away."
    assert tracebacks(first.output) + tracebacks(second.output) == []
