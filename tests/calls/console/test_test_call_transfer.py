"""Transfers of test calls: nothing is dialled, the operator chooses the outcome."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from bots.config.phrasebook import phrasebook
from bots.models import Bot
from calls.models import Call
from tests.calls.console.test_test_call_socket import is_refused
from tests.end_to_end.test_live import closed, turns
from tests.end_to_end.test_transfer import SALES, SUMMARY, transfer_call
from tests.support.inworld.server import FakeInworld
from tests.support.live import LiveServer
from tests.support.pages.test_call import (
    Browser,
    Line,
    info,
    make_user,
    open_browser,
    say,
)
from tests.support.pages.test_call import fresh_process as fresh_process
from tests.support.pages.test_call import operator as operator

pytestmark = pytest.mark.django_db(transaction=True)

BOOK = phrasebook("en")


@pytest.fixture
async def browser(server: LiveServer, bot: Bot, operator: User) -> Browser:
    """Open the page of a bot that has a transfer target."""
    await bot.targets.acreate(name="Sales", number=SALES, when_to_use="Orders.")
    await Bot.objects.aupdate(greeting="")
    return await open_browser(server, operator)


async def transferred_call(
    browser: Browser, inworld: FakeInworld, bot: Bot
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a call that is being transferred; its data and the transfer frame."""
    inworld.answers(transfer_call())
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await say(line, "Sales, please.")
        await line.receive("play")
        await info(line, "agentSpeaking", "on")
        await info(line, "agentSpeaking", "off")
        end = await line.receive("end")
        await socket.close(1000)
    assert json.loads(end["handoffData"]) == {"transfer": True}
    assert not [f for f in line.frames if f["type"] == "test.ended"]
    (person,) = [f for f in line.frames if f["type"] == "test.transfer"]
    return call_data, person


async def test_the_page_shows_who_would_be_dialled_and_what_they_would_hear(
    browser: Browser, inworld: FakeInworld, bot: Bot
) -> None:
    call_data, person = await transferred_call(browser, inworld, bot)
    announced = BOOK.screening_prompt.replace("{{summary}}", SUMMARY)
    assert person == {
        "type": "test.transfer",
        "name": "Sales",
        "number": SALES,
        "announcement": announced,
    }
    assert (await Call.objects.aget()).status == "in-progress"
    assert await is_refused(
        browser.socket(call_data["socket"])
    )  # while nothing is decided


async def test_a_person_who_takes_it_ends_the_call(
    browser: Browser, inworld: FakeInworld, bot: Bot
) -> None:
    call_data, _ = await transferred_call(browser, inworld, bot)
    answer = await browser.decide(call_data["token"], "takes")
    assert answer.json() == {"reason": "The caller was transferred"}
    row = await closed(call_data["callSid"])
    assert (row.status, row.end_reason) == ("completed", "transferred")
    (tool_call,) = [turn.tool_call for turn in await turns(row) if turn.tool_call]
    assert tool_call["result"] == "Sales took the call."
    again = await browser.decide(call_data["token"], "no-answer")
    assert (again.status_code, again.json()) == (409, {"problem": "The call is over."})


async def test_a_person_who_does_not_answer_brings_it_back_with_its_history(
    browser: Browser, inworld: FakeInworld, bot: Bot
) -> None:
    call_data, _ = await transferred_call(browser, inworld, bot)
    inworld.says("Sales is away.")
    back = (await browser.decide(call_data["token"], "no-answer")).json()["line"]
    assert back["callSid"] == call_data["callSid"]
    async with browser.socket(back["socket"]) as socket:
        line = Line(socket, back)
        await line.set_up()
        await line.receive("play")
        await info(line, "agentSpeaking", "on")
        await info(line, "agentSpeaking", "off")
        await line.hang_up()
    sent = (await inworld.request(2)).body["messages"]
    assert sent[-3] == {"role": "user", "content": "Sales, please."}
    # The transfer notice comes before the tool call.
    assert sent[-2]["content"] == BOOK.transfer_notice
    assert sent[-2]["tool_calls"][0]["function"]["name"] == "transfer_call"
    assert sent[-1]["role"] == "tool"
    assert sent[-1]["content"].startswith("Sales did not answer.")
    row = await closed(call_data["callSid"])
    assert row.end_reason == "caller-hung-up"
    assert [turn.role for turn in await turns(row)] == ["caller", "tool", "bot", "bot"]


async def test_who_hangs_up_while_it_rings_ends_the_call(
    browser: Browser, inworld: FakeInworld, bot: Bot
) -> None:
    call_data, _ = await transferred_call(browser, inworld, bot)
    answer = await browser.decide(call_data["token"], "gone")
    assert answer.json() == {"reason": "The caller hung up"}


async def test_only_who_makes_the_call_decides_and_only_of_test_calls(
    server: LiveServer, browser: Browser, inworld: FakeInworld, bot: Bot
) -> None:
    call_data, _ = await transferred_call(browser, inworld, bot)
    other = await open_browser(
        server, await sync_to_async(make_user)("otto", "change_bot")
    )
    viewer = await open_browser(
        server, await sync_to_async(make_user)("vera", "view_call")
    )
    assert (await other.decide(call_data["token"], "takes")).status_code == 409
    assert (await viewer.decide(call_data["token"], "takes")).status_code == 403
    for token, decision in (
        (call_data["token"] + "x", "takes"),
        ("", "takes"),
        (call_data["token"], "dial +19005550000"),
        (call_data["token"], ""),
    ):
        assert (await browser.decide(token, decision)).status_code == 409
    await Call.objects.aupdate(is_test=False)
    assert (await browser.decide(call_data["token"], "takes")).status_code == 409
    assert (await Call.objects.aget()).transfer["number"] == SALES
