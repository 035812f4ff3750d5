"""Test calls from the console: complete calls through their WebSocket."""

import json

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bots.models import Bot
from calls.console.test_call.consumer import call_token
from calls.models import Call
from calls.twilio.relay_tokens import new_nonce, relay_token
from tests.end_to_end.test_live import closed, turns
from tests.support.inworld.script import DONE, chunk
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


async def is_refused(socket: connect) -> bool:
    try:
        async with socket:
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


async def test_the_socket_is_for_the_operator_who_made_the_call_on_our_own_page(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    other = await sync_to_async(make_user)("otto", "change_bot")
    assert await is_refused((await open_browser(server, None)).socket(path))
    assert await is_refused((await open_browser(server, other)).socket(path))
    assert await is_refused(browser.socket(path, origin="https://evil.example"))
    assert await is_refused(browser.socket(path, origin=None))
    assert await is_refused(browser.socket(path + "x"))
    assert await is_refused(browser.socket("/console/elsewhere"))
    async with browser.socket(path):
        pass


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
async def test_who_is_no_longer_staff_is_refused(
    server: LiveServer,
    inworld: FakeInworld,
    bot: Bot,
    operator: User,
    change: dict[str, bool],
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    await User.objects.filter(pk=operator.pk).aupdate(**change)
    assert await is_refused(browser.socket(path))


async def test_who_may_not_change_bots_any_more_is_refused(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    path = (await browser.call(bot))["socket"]
    await sync_to_async(operator.user_permissions.clear)()
    assert await is_refused(browser.socket(path))


async def test_twilio_and_the_console_cannot_use_each_others_tokens(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    sid = (await browser.call(bot))["callSid"]
    assert await is_refused(
        browser.socket(f"/console/test-call/{relay_token(sid, new_nonce())}")
    )
    token = call_token(sid, operator)
    assert await is_refused(browser.socket(f"/conversation/{token}"))


async def test_a_token_is_good_for_one_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await line.receive("play")
        assert await is_refused(browser.socket(call_data["socket"]))
        await line.hang_up()
    await closed(call_data["callSid"])
    assert await is_refused(browser.socket(call_data["socket"]))


async def test_a_conversation_with_an_interruption_is_a_call_like_any_other(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.says("One two three four five six.", "Never heard.", seconds=4.0)
    inworld.says("Fine.")
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await hear_clip(browser, line)
        await say(line, "Count, please")
        await line.receive("play")
        await info(line, "agentSpeaking", "on")
        await line.receive("play")
        await info(line, "clientSpeaking", "on")
        await line.send(
            "interrupt", utteranceUntilInterrupt="", durationUntilInterruptMs=2000
        )
        await info(line, "agentSpeaking", "off")
        await info(line, "clientSpeaking", "off")
        await say(line, "<b>Stop</b>")
        await hear_clip(browser, line)
        await line.hang_up()
    assert line.turn(2)["interrupted"]
    assert line.turn(2)["notHeard"].endswith("Never heard.")
    assert line.turn(2)["heard"].startswith("One")
    assert line.turn(3)["heard"] == "<b>Stop</b>"
    assert "request_sent" in [stage["name"] for stage in line.turn(4)["stages"]]
    over = [frame for frame in line.frames if frame["type"] == "test.ended"]
    assert over == [{"type": "test.ended", "reason": "The caller hung up"}]
    row = await closed(call_data["callSid"])
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")
    assert row.is_test
    call_turns = await turns(row)
    assert [turn.role for turn in call_turns] == [
        "bot",
        "caller",
        "bot",
        "caller",
        "bot",
    ]
    assert call_turns[2].heard_text == line.turn(2)["heard"].strip()
    assert not await Call.objects.real().aexists()


async def hear_clip(browser: Browser, line: Line) -> None:
    """Fetch and hear one clip to its end."""
    source = httpx.URL((await line.receive("play"))["source"])
    async with httpx.AsyncClient(base_url=browser.server.url) as http:
        assert (await http.get(source.path)).status_code == 200
    await info(line, "agentSpeaking", "on")
    await info(line, "agentSpeaking", "off")


async def test_keys_are_heard_and_hidden_where_the_bot_hides_them(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.says("Thank you.")
    await Bot.objects.aupdate(mask_dtmf=True, greeting="")
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        for digit in "42#":
            await line.send("dtmf", digit=digit)
        await line.receive("play")
        await line.hang_up()
    assert "4 2" not in json.dumps(line.frames)
    request = await inworld.request(1)
    assert "4 2" in request.body["messages"][-1]["content"]


async def test_what_the_bot_does_is_shown_as_it_happens(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    wanted = {"name": "switch_language", "arguments": '{"language": "de-DE"}'}
    call = {"index": 0, "id": "call_1", "type": "function", "function": wanted}
    inworld.answers([chunk({"tool_calls": [call]}, "tool_calls"), DONE])
    inworld.says("Gerne.")
    await Bot.objects.aupdate(greeting="")
    await sync_to_async(bot.languages.create)(language="de-DE", voice="Johanna")
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await say(line, "Deutsch, bitte")
        language = await line.receive("language")
        await hear_clip(browser, line)
        await line.hang_up()
    assert language["transcriptionLanguage"] == "de-DE"
    done = line.turn(1)
    assert (done["role"], done["toolCall"]["title"]) == ("tool", "Change to de-DE")
    assert done["toolCall"]["result"].startswith("You and the caller now speak de-DE")
    assert done["toolCall"]["ms"] is not None
    assert not done["working"]
    row = await closed(call_data["callSid"])
    answer = (await turns(row))[2]
    # It is counted from the caller's last word, not from the tool's answer.
    assert answer.latency_ms["request_sent"] >= done["toolCall"]["ms"]
    slowest = row.slowest_response_ms
    assert slowest is None or slowest >= done["toolCall"]["ms"]


async def test_leaving_the_page_hangs_up(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await line.receive("play")
        await socket.close(1001)
    row = await closed(call_data["callSid"])
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")


async def test_sound_that_cannot_be_stored_costs_no_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    await Bot.objects.filter(pk=bot.pk).aupdate(recording="always")
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await line.receive("play")
        await socket.send('{"type":"test.plays","text":"Hello."}')
        await socket.send('{"type":"test.played","seconds":1e999}')
        await line.hang_up()
    row = await closed(call_data["callSid"])
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")


async def test_a_lost_connection_closes_the_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        await line.receive("play")
        socket.transport.abort()
    row = await closed(call_data["callSid"])
    assert (row.status, row.end_reason) == ("failed", "connection-lost")


async def test_the_bots_goodbye_ends_the_call_and_says_why(
    server: LiveServer, inworld: FakeInworld, bot: Bot, operator: User
) -> None:
    inworld.tts_status = 500
    inworld.reply_with = lambda _: []
    await Bot.objects.aupdate(
        greeting="",
        apology_message="Nobody has voiced this.",
        goodbye_message="Nor this.",
    )
    browser = await open_browser(server, operator)
    call_data = await browser.call(bot)
    async with browser.socket(call_data["socket"]) as socket:
        line = Line(socket, call_data)
        await line.set_up()
        for _ in range(3):
            await say(line, "Hello?")
            await line.receive("text")
            await info(line, "agentSpeaking", "on")
            await info(line, "agentSpeaking", "off")
        end = await line.receive("end")
        await socket.close(1000)
    assert "handoffData" not in end
    reasons = [f["reason"] for f in line.frames if f["type"] == "test.ended"]
    assert reasons == ["The bot could not answer"]
    assert (await closed(call_data["callSid"])).end_reason == "bot-failed"
