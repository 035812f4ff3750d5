"""The simulated call's webhooks and its relay socket."""

import json
from collections import deque

import pytest
from twilio.request_validator import RequestValidator

from calls.simulator import (
    CallFailed,
    CallOver,
    Line,
    SimulatedCall,
)
from tests.calls.simulator.small_voicebot import PUBLIC, TOKEN, Bot, connect, dial

# Of the request that a real call began with.
RECORDED_FIELDS = {
    "AccountSid",
    "ApiVersion",
    "CallSid",
    "CallStatus",
    "CallToken",
    "Called",
    "Caller",
    "Direction",
    "From",
    "StirVerstat",
    "To",
}


class TestDialling:
    async def test_webhook_is_signed_and_carries_the_recorded_fields(
        self, bot: Bot
    ) -> None:
        async with dial(bot, to="+4930123456", from_="+14155550100"):
            pass
        voice = bot.posts[0]
        assert voice.path == "/voice"
        assert voice.is_signed()
        assert voice.headers["host"] == "bot.example.com"
        assert voice.headers["x-forwarded-proto"] == "https"
        fields = [
            f"{party}{field}"
            for party in ("Called", "Caller", "From", "To")
            for field in ("City", "Country", "State", "Zip")
        ]
        assert set(voice.form) == {*fields, *RECORDED_FIELDS}
        assert voice.form["ToCity"] == ""
        assert (voice.form["To"], voice.form["From"]) == ("+4930123456", "+14155550100")

    async def test_parameters_stand_in_the_signed_address(self, bot: Bot) -> None:
        path = "/voice?name=Ann+%26+Bo&plan=gold"
        bot.twiml[path].append(connect())
        parameters = (("name", "Ann & Bo"), ("plan", "gold"))
        async with dial(bot, parameters=parameters):
            await bot.answers()
        assert bot.posts[0].path == path
        assert bot.posts[0].is_signed()

    async def test_without_a_token_nothing_is_signed(self, bot: Bot) -> None:
        async with dial(bot) as call:
            await bot.answers()
        line = Line(PUBLIC, connect_to=bot.origin, fast=True)
        bot.twiml["/voice"].append(connect())
        async with SimulatedCall(line) as call:
            socket = await bot.answers()
        assert call.answered
        assert "x-twilio-signature" not in bot.posts[-1].headers
        assert socket.request
        assert "X-Twilio-Signature" not in socket.request.headers

    async def test_handshake_is_twilios(self, bot: Bot) -> None:
        async with dial(bot):
            socket = await bot.answers()
        assert socket.request
        headers = socket.request.headers
        url = "wss://bot.example.com/conversation/7"
        signature = headers["X-Twilio-Signature"]
        assert RequestValidator(TOKEN).validate(url, {}, signature)
        assert headers["Host"] == "bot.example.com"
        for absent in ("Origin", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
            assert absent not in headers

    async def test_setup_has_every_field(self, bot: Bot) -> None:
        async with dial(bot, to="+4930123456") as call:
            socket = await bot.sockets.get()
            setup = json.loads(await socket.recv())
        assert setup.pop("sessionId").startswith("VX")
        assert setup == {
            "type": "setup",
            "accountSid": call.line.account_sid,
            "callSid": call.call_sid,
            "parentCallSid": "",
            "from": call.line.from_,
            "to": "+4930123456",
            "forwardedFrom": "+4930123456",
            "callType": "PSTN",
            "callerName": "",
            "direction": "inbound",
            "callStatus": "RINGING",
            "customParameters": {"bot": "Ann & Bo"},
        }

    async def test_a_spoken_refusal_is_reported(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque(
            ["<Response><Say>Not in\n service.</Say><Hangup/></Response>"]
        )
        async with dial(bot) as call:
            assert not call.answered
            assert call.refusal == "Not in service."
            assert call.over
            with pytest.raises(CallOver):
                await call.say("hello")

    @pytest.mark.parametrize("status", [403, 500])
    async def test_a_refused_webhook_fails_the_call(
        self, bot: Bot, status: int
    ) -> None:
        bot.statuses["/voice"] = status
        with pytest.raises(CallFailed, match=f"status {status}"):
            async with dial(bot):
                pass

    async def test_a_refused_socket_fails_the_call(self, bot: Bot) -> None:
        bot.statuses["/conversation/7"] = 403
        with pytest.raises(CallFailed, match="status 403"):
            async with dial(bot):
                pass

    async def test_an_unencrypted_socket_fails_the_call(self, bot: Bot) -> None:
        twiml = connect().replace("wss://bot", "ws://bot")
        bot.twiml["/voice"] = deque([twiml])
        with pytest.raises(CallFailed, match="64102"):
            async with dial(bot):
                pass

    async def test_broken_twiml_fails_the_call(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque(["<Response>"])
        with pytest.raises(CallFailed, match="did not answer with TwiML"):
            async with dial(bot):
                pass

    async def test_nothing_listens(self, unused_tcp_port: int) -> None:
        line = Line(PUBLIC, connect_to=f"http://127.0.0.1:{unused_tcp_port}")
        with pytest.raises(CallFailed, match=r"Nothing listens .* use --server"):
            async with SimulatedCall(line):
                pass
