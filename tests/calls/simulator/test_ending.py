"""The end of a simulated call, and connections that break."""

import asyncio
import json
from collections import deque

import pytest

from calls.simulator import (
    CallOver,
)
from tests.calls.simulator.small_voicebot import PUBLIC, Bot, connect, dial, send, sent


class TestEnding:
    async def test_hanging_up_posts_action_and_status(self, bot: Bot) -> None:
        callback = f"{PUBLIC}/status"
        async with dial(bot, status_callback=callback) as call:
            socket = await bot.answers()
        await socket.wait_closed()
        assert socket.close_code == 1000
        action, status = bot.posts[1:]
        assert action.is_signed()
        assert action.path == "/ended"
        assert action.form["SessionStatus"] == "completed"
        assert action.form["CallStatus"] == "completed"
        assert "HandoffData" not in action.form
        assert call.actions == [action.form]
        assert status.is_signed()
        assert status.form["CallbackSource"] == "call-progress-events"
        assert call.hung_up

    async def test_the_bot_ends_the_call_with_a_hand_over(self, bot: Bot) -> None:
        bot.twiml["/ended"] = deque(
            ["<Response><Dial><Number>+4930999</Number></Dial></Response>"]
        )
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "end", "handoffData": '{"to":"sales"}'})
            await call.ends()
        assert socket.close_code == 1000
        assert bot.posts[1].form["SessionStatus"] == "ended"
        assert bot.posts[1].form["CallStatus"] == "in-progress"
        assert bot.posts[1].form["HandoffData"] == '{"to":"sales"}'
        assert call.dialled == "+4930999"
        assert not call.hung_up

    async def test_ending_cuts_what_still_plays(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.records(60))
            await call.speaking(0)
            await send(socket, {"type": "end"})
            await call.ends()
        assert call.heard[0].cut

    async def test_a_dropped_socket_is_connected_again(self, bot: Bot) -> None:
        bot.twiml["/ended"] = deque([connect()])
        async with dial(bot) as call:
            first = await bot.answers()
            first.transport.abort()
            second = await bot.sockets.get()
            setup = json.loads(await second.recv())
            await send(second, bot.records(1))
            await call.reply()
        assert setup["callSid"] == call.call_sid
        assert setup["callStatus"] == "IN_PROGRESS"
        failed, completed = call.actions
        assert failed["SessionStatus"] == "failed"
        assert failed["ErrorCode"] == "64105"
        assert failed["SessionId"] != setup["sessionId"] == completed["SessionId"]
        assert call.sessions == 2

    async def test_a_refused_attribute_ends_the_session_with_an_error(
        self, bot: Bot
    ) -> None:
        async with dial(bot, refuses=frozenset({"url"})) as call:
            socket = await bot.answers()
            error = json.loads(await socket.recv())
            await call.ends()
        assert error["description"].endswith("code: 64101")
        assert socket.close_code == 1000
        assert call.actions[0]["SessionStatus"] == "failed"
        assert call.actions[0]["ErrorCode"] == "64101"

    async def test_a_server_that_always_drops_is_given_up(self, bot: Bot) -> None:
        bot.twiml["/ended"] = deque([connect()] * 20)

        async def drop() -> None:
            while True:
                (await bot.answers()).transport.abort()

        async with dial(bot) as call, asyncio.TaskGroup() as tasks:
            dropping = tasks.create_task(drop())
            await call.ends()
            dropping.cancel()
        assert call.sessions == 10
        assert "lost 10 times" in call.errors[0]

    async def test_tenth_bad_frame_in_a_row_closes(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            for _ in range(9):
                await socket.send("{}")
            await send(socket, bot.records(1))
            await call.reply()
            for _ in range(9):
                await socket.send("no JSON")
            await socket.send(b"binary")
            await call.ends()
        assert (socket.close_code, sent(call).count("error")) == (1007, 19)
        assert socket.close_reason == "Too many consecutive malformed messages."
        assert call.actions[0]["ErrorCode"] == "64105"
        error = next(f.message for f in call.frames if "description" in f.message)
        assert error["description"] == "Invalid message received, code: 64107, {}"

    async def test_the_bot_hanging_up_is_no_silence(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "end"})
            with pytest.raises(CallOver):
                await call.reply()
