"""The person whom the simulator dials for a transfer, against a small voicebot."""

import asyncio
from collections import deque

import pytest

from calls.simulator import Person
from tests.calls.simulator import test_command
from tests.calls.simulator.small_voicebot import HANGUP, Bot, connect, dial, send

NUMBER = "+15005550042"
GATHER = '<Gather action="/key" numDigits="1"><Say>Kim calls. Press 1.</Say></Gather>'
ASK = f"<Response>{GATHER}{GATHER}<Hangup/></Response>"


def dial_twiml(screen: str = 'url="/screen"', **attributes: str) -> str:
    listed = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        f'<Response><Dial action="/dialled" timeout="20" {listed}>'
        f"<Number {screen}>{NUMBER}</Number></Dial></Response>"
    )


def script(bot: Bot, document: str, key: str = "<Response/>") -> None:
    """Set the server's answers for after the relay session."""
    bot.twiml["/ended"] = deque([document])
    bot.twiml["/screen"] = deque([ASK])
    bot.twiml["/key"] = deque([key])
    bot.twiml["/dialled"] = deque([HANGUP])


def form(bot: Bot, path: str) -> dict[str, str]:
    (post,) = [post for post in bot.posts if post.path == path]
    assert post.is_signed()
    return post.form


async def test_who_takes_the_call_presses_1_and_is_connected(bot: Bot) -> None:
    script(bot, dial_twiml(callerId="+15005550001"))
    async with dial(bot) as call:
        await send(await bot.answers(), {"type": "end", "handoffData": "{}"})
        await call.ends()
    screen, key, dialled = (form(bot, path) for path in ("/screen", "/key", "/dialled"))
    assert (
        screen["CallSid"] == key["CallSid"] == dialled["DialCallSid"] != call.call_sid
    )
    assert screen["ParentCallSid"] == dialled["CallSid"] == call.call_sid
    assert screen["Direction"] == "outbound-dial"
    assert (screen["From"], screen["To"]) == ("+15005550001", NUMBER)
    assert (key["Digits"], key["msg"]) == ("1", "Gather End")
    assert dialled["CallStatus"] == "in-progress"
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == ("completed", "true")
    assert int(dialled["DialCallDuration"]) >= 3
    assert call.dials == [dialled]
    assert (call.dialled, call.passed_on) == (NUMBER, True)
    assert call.person_did == [
        *(f"{NUMBER} rings", "hears “Kim calls. Press 1.”", "presses 1"),
        "talks with the caller",
    ]


@pytest.mark.parametrize(
    ("person", "status", "did"),
    [
        (Person.DECLINES, "completed", ["presses 2", "hangs up"]),
        (Person.MACHINE, "completed", ["hears “Kim calls. Press 1.”", "hangs up"]),
        (Person.BUSY, "busy", [f"{NUMBER} rings", "is on the phone"]),
        (Person.NO_ANSWER, "no-answer", [f"{NUMBER} rings", "does not answer"]),
    ],
)
async def test_an_untaken_call_is_reported_as_twilio_does(
    bot: Bot, person: Person, status: str, did: list[str]
) -> None:
    script(bot, dial_twiml(), key=HANGUP)
    bot.twiml["/dialled"] = deque([connect()])
    async with dial(bot, person=person) as call:
        await send(await bot.answers(), {"type": "end"})
        second = await bot.sockets.get()
        await second.recv()
        await send(second, bot.records(1))
        await call.reply()
    dialled = form(bot, "/dialled")
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == (status, "false")
    assert call.person_did[-2:] == did
    assert (call.passed_on, call.sessions) == (False, 2)
    assert call.errors == []


@pytest.mark.parametrize(
    ("person", "taken"), [(Person.MACHINE, True), (Person.DECLINES, False)]
)
async def test_without_screening_any_answer_is_connected(
    bot: Bot, person: Person, taken: bool
) -> None:
    script(bot, dial_twiml(screen=""))
    async with dial(bot, person=person) as call:
        await send(await bot.answers(), {"type": "end"})
        await call.ends()
    assert call.passed_on == taken
    assert form(bot, "/dialled")["DialBridged"] == str(taken).lower()


async def test_a_caller_may_hang_up_while_it_rings(bot: Bot) -> None:
    script(bot, dial_twiml())
    async with dial(bot, fast=False, person=Person.NO_ANSWER) as call:
        await send(await bot.answers(), {"type": "end"})
        await call.record.until(lambda: call.dialled == NUMBER)
    dialled = form(bot, "/dialled")
    assert (dialled["CallStatus"], dialled["DialCallStatus"]) == (
        *("completed", "canceled"),
    )
    assert call.hung_up


async def test_a_caller_who_is_back_waits_for_what_the_bot_says(bot: Bot) -> None:
    script(bot, dial_twiml())
    bot.twiml["/dialled"] = deque([connect()])
    async with dial(bot, person=Person.BUSY, pause=0.5) as call:
        first = await bot.answers()
        replying = asyncio.create_task(call.reply())
        await send(first, bot.records(0.1))
        await call.hears()
        await send(first, {"type": "end"})
        second = await bot.sockets.get()
        await second.recv()
        assert (await asyncio.wait([replying], timeout=0.8))[1] == {replying}
        await send(second, bot.records(0.2))
        assert len(await replying) == 2


async def test_the_command_prints_what_the_person_does(bot: Bot) -> None:
    script(bot, dial_twiml(), key=HANGUP)
    command = test_command.TestCommand()
    arguments = ("--say", "Sales", "--fast", "--person", "declines")
    calling, socket = await command._answered(bot, *arguments)
    await send(socket, {"type": "end"})
    printed = await calling
    for line in (f"{NUMBER} rings", "hears “Kim calls. Press 1.”", "presses 2"):
        assert f"person  {line}\n" in printed
    assert "was passed on" not in printed


async def test_the_command_prints_who_took_the_call(bot: Bot) -> None:
    script(bot, dial_twiml())
    command = test_command.TestCommand()
    calling, socket = await command._answered(bot, "--say", "Sales", "--fast")
    await send(socket, {"type": "end"})
    printed = await calling
    assert f"The call was passed on to {NUMBER}." in printed
    assert "The bot ended" not in printed
