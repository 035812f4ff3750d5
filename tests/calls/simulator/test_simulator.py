"""The simulated caller, against a small voicebot on real sockets."""

import asyncio
import io
import json
import math
import re
import wave
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from websockets.asyncio.server import ServerConnection, serve

from bots.models import PhoneNumber
from calls.management.commands.call import _first_number, _turns
from calls.models import Call, Turn
from calls.simulator import (
    BadClip,
    BotSilent,
    CallFailed,
    CallOver,
    Heard,
    Line,
    SimulatedCall,
    report,
    save_recording,
)
from calls.simulator.frames import BadFrame, read_frame
from calls.simulator.player import Player, Sound
from calls.simulator.record import Clock, Record
from calls.simulator.wav import wav_seconds

PUBLIC = "https://bot.example.com"
TOKEN = "twilio-token-of-the-tests"
RATE = 8000
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
HANGUP = "<Response><Hangup/></Response>"


def wav(seconds: float, level: int = 1000, rate: int = RATE) -> bytes:
    """A clip that holds one level, so that its samples are recognised."""
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(rate)
        clip.writeframes(level.to_bytes(2, "little") * round(seconds * rate))
    return file.getvalue()


def connect(*languages: str, **attributes: str) -> str:
    """TwiML that hands the call to the relay."""
    declared = "".join(f'<Language code="{code}"/>' for code in languages)
    attributes = {"events": "speaker-events", "dtmfDetection": "true"} | attributes
    listed = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return (
        '<Response><Connect action="/ended"><ConversationRelay '
        f'url="wss://bot.example.com/conversation/7" {listed}>'
        f'<Parameter name="bot" value="Ann &amp; Bo"/>{declared}</ConversationRelay>'
        "</Connect>"
        "</Response>"
    )


@dataclass
class Post:
    path: str
    form: dict[str, str]
    headers: dict[str, str]

    def is_signed(self) -> bool:
        signature = self.headers["x-twilio-signature"]
        url = f"{PUBLIC}{self.path}"
        return bool(RequestValidator(TOKEN).validate(url, self.form, signature))


class Bot:
    """Voicebot's part: answers webhooks, serves clips, talks on the relay socket."""

    def __init__(self) -> None:
        self.twiml = defaultdict(lambda: deque[str](), {"/voice": deque([connect()])})
        self.clips: dict[str, tuple[str, bytes]] = {}
        self.posts: list[Post] = []
        self.fetched: list[str] = []
        self.statuses: dict[str, int] = {}
        self.sockets: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.origin = ""

    async def run(self, ready: asyncio.Event) -> None:
        async with serve(self._talk, "127.0.0.1", 0, max_queue=None) as relay:
            self.relay_port = next(iter(relay.sockets)).getsockname()[1]
            front = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            async with front:
                port = front.sockets[0].getsockname()[1]
                self.origin = f"http://127.0.0.1:{port}"
                ready.set()
                await asyncio.Event().wait()

    async def answers(self) -> ServerConnection:
        """The next relay socket, after its setup was read."""
        socket = await self.sockets.get()
        assert json.loads(await socket.recv())["type"] == "setup"
        return socket

    def records(self, seconds: float, level: int = 1000) -> dict[str, Any]:
        """A new clip, as the message that plays it."""
        path = f"/audio/{len(self.clips)}"
        self.clips[path] = ("audio/wav", wav(seconds, level))
        return {"type": "play", "source": PUBLIC + path}

    async def _talk(self, socket: ServerConnection) -> None:
        self.sockets.put_nowait(socket)
        await socket.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"\r\nupgrade: websocket" in head.lower() and (
                "/conversation/7" not in self.statuses
            ):
                await self._pass_on(head, reader, writer)
            else:
                await self._respond(head.decode(), reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        relay_reader, relay_writer = await asyncio.open_connection(
            "127.0.0.1", self.relay_port
        )
        relay_writer.write(head)
        await asyncio.gather(_pump(reader, relay_writer), _pump(relay_reader, writer))

    async def _respond(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split()
        headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
        if method == "POST":
            body = (await reader.readexactly(int(headers["content-length"]))).decode()
            form = dict(parse_qsl(body, keep_blank_values=True))
            self.posts.append(Post(path, form, headers))
            documents = self.twiml[path]
            kind, content = "text/xml", (documents.popleft() if documents else HANGUP)
            payload = content.encode()
        else:
            self.fetched.append(path)
            kind, payload = self.clips.get(path, ("text/plain", b""))
        code = self.statuses.get(path, 200)
        start = f"HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        writer.write(f"{start}Content-Length: {len(payload)}\r\n\r\n".encode())
        writer.write(payload)
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def send(socket: ServerConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await socket.send(json.dumps(message))


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    bot, ready = Bot(), asyncio.Event()
    running = asyncio.create_task(bot.run(ready))
    await ready.wait()
    yield bot
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def dial(bot: Bot, **line: Any) -> SimulatedCall:
    settings = {"connect_to": bot.origin, "fast": True, "pause": 0.05, "timeout": 2}
    return SimulatedCall(Line(PUBLIC, TOKEN, **{**settings, **line}))


def sent(call: SimulatedCall) -> list[str]:
    """What the carrier sent, in short."""
    short = []
    for frame in call.frames:
        if frame.sent:
            message = frame.message
            kind = message["type"]
            short.append(message["name"] if kind == "info" else kind)
            if "value" in message:
                short[-1] += f" {message['value']}"
    return short


async def after(call: SimulatedCall, received: int) -> None:
    """Wait until the carrier has received so many messages."""
    await call.record.until(lambda: sum(not f.sent for f in call.frames) >= received)


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
        places = [
            f"{who}{place}"
            for who in ("Called", "Caller", "From", "To")
            for place in ("City", "Country", "State", "Zip")
        ]
        assert set(voice.form) == {*places, *RECORDED_FIELDS}
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


class TestPlayback:
    async def test_clips_play_in_the_order_they_came(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            clips = [bot.records(seconds) for seconds in (1.5, 0.5, 1.0)]
            await send(socket, *clips)
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [1.5, 0.5, 1.0]
        assert [heard.source for heard in reply] == [c["source"] for c in clips]
        assert reply[0].wav == wav(1.5)
        for earlier, later in pairwise(reply):
            assert later.at_ms >= earlier.at_ms + earlier.seconds * 1000
        assert sent(call)[:2] == ["setup", "agentSpeaking on"]
        assert sent(call)[-1] == "agentSpeaking off"
        assert call.errors == []

    async def test_first_sound_is_timed_from_the_callers_last_word(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(9))
            await call.reply()
            await call.say("hello")
            await send(socket, bot.records(1), bot.records(1))
            reply = await call.hears(2)
        assert [heard.turn for heard in reply] == [1, 1]
        assert call.waits_ms == [reply[0].waited_ms]
        assert 0 < reply[0].waited_ms < 1000
        assert reply[1].waited_ms > 1000

    async def test_real_time_playback_takes_its_time(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.records(0.06), bot.records(0.06))
            first, second = await call.reply()
        assert 60 <= second.at_ms - first.at_ms < 1000

    async def test_carrier_speech_reports_its_tokens(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect(events="tokens-played")])
        async with dial(bot) as call:
            socket = await bot.answers()
            text = {"type": "text", "token": "Just a moment, please.", "last": False}
            await send(socket, text, {"type": "text", "token": "", "last": True})
            (heard,) = await call.reply()
        assert (heard.kind, heard.text) == ("carrier", text["token"])
        assert sent(call)[1:] == ["tokensPlayed Just a moment, please."]

    async def test_a_declared_language_is_spoken_and_transcribed(
        self, bot: Bot
    ) -> None:
        bot.twiml["/voice"] = deque([connect("de-DE", "fr-FR", language="en-GB")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await call.say("hello")
            change = {"type": "language", "ttsLanguage": "de-DE"}
            await send(socket, {**change, "transcriptionLanguage": "de-DE"})
            await send(socket, {"type": "language", "transcriptionLanguage": "fr-FR"})
            await after(call, 2)
            await call.say("bonjour")
            await send(socket, {**change, "transcriptionLanguage": "en-GB"})
            await after(call, 3)
            await call.say("hello again")
            assert call.errors == []
        said = [f.message for f in call.frames if f.message["type"] == "prompt"]
        assert [prompt["lang"] for prompt in said] == ["en-GB", "fr-FR", "en-GB"]

    async def test_a_language_nobody_declared_is_refused(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect("de-DE")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "language", "ttsLanguage": "it-IT"})
            await after(call, 1)
            await call.say("hello")
        assert call.errors == [
            "Message not understood: the language it-IT is not declared"
        ]
        told = [f.message for f in call.frames if f.sent and "description" in f.message]
        assert "64107" in told[0]["description"]
        assert call.frames[-1].message["lang"] == "en-US"

    async def test_digits_wait_their_turn(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(1), {"type": "sendDigits", "digits": "1w2"})
            reply = await call.hears(2)
        assert [heard.kind for heard in reply] == ["clip", "digits"]
        assert reply[1].seconds == pytest.approx(0.9)

    async def test_a_plain_clip_cuts_a_preemptible_one(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, {**bot.records(60), "preemptible": True})
            await call.record.until(lambda: bool(call.heard))
            await send(socket, bot.records(0.01))
            filler, answer = await call.hears(2)
        assert (filler.cut, answer.cut) == (True, False)
        assert "interrupt" not in sent(call)

    @pytest.mark.parametrize(
        ("kind", "body", "complaint"),
        [
            ("audio/wav", wav(0.1)[:-100], "not RIFF, or of"),
            ("audio/wav", wav(0.1) + b"\0\0", "not RIFF, or of"),
            ("audio/wav", b"RIFF\x04\0\0\0WAVE", "not a WAV file"),
            ("audio/wav", b"", "not RIFF"),
            ("application/octet-stream", wav(0.1), "Content-Type"),
        ],
    )
    async def test_a_bad_clip_is_skipped_and_reported(
        self, bot: Bot, kind: str, body: bytes, complaint: str
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            bad = bot.records(1)
            bot.clips["/audio/0"] = (kind, body)
            await send(socket, bad, bot.records(0.5))
            reply = await call.reply()
        assert [heard.seconds for heard in reply] == [0.5]
        assert complaint in call.errors[0]

    async def test_a_missing_clip_is_reported(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            bot.statuses["/audio/0"] = 404
            await send(socket, bot.records(1))
            with pytest.raises(BotSilent, match="status 404"):
                await call.reply(patience=0.05)

    def test_a_wav_whose_sound_is_shorter_than_it_says_is_refused(self) -> None:
        body = bytearray(wav(0.1)[:-100])
        body[4:8] = (len(body) - 8).to_bytes(4, "little")
        with pytest.raises(BadClip, match="bytes of sound"):
            wav_seconds(bytes(body))


class TestInterrupting:
    async def test_order_and_duration(self, bot: Bot) -> None:
        async with dial(bot, partials=True) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(0.8) for _ in range(4)))
            assert await call.interrupt("Wait a second", after=1.2)
            cut = call.heard[-1]
        interrupt = next(f for f in call.frames if f.message["type"] == "interrupt")
        assert interrupt.message["utteranceUntilInterrupt"] == ""
        # 1.2 s into the reply, but only 0.4 s into the current clip.
        assert interrupt.message["durationUntilInterruptMs"] in (399, 400)
        assert cut.cut
        assert cut.played_seconds == pytest.approx(0.4)
        frames = sent(call)
        assert frames[frames.index("clientSpeaking on") :] == [
            "clientSpeaking on",
            "interrupt",
            "prompt",
            "agentSpeaking off",
            "prompt",
            "prompt",
            "prompt",
            "clientSpeaking off",
            "prompt",
        ]
        prompts = [f.message for f in call.frames if f.message["type"] == "prompt"]
        assert [(p["voicePrompt"], p["last"]) for p in prompts] == [
            ("Wa", False),
            ("Wait a", False),
            ("Wait a sec", False),
            ("Wait a second", False),
            ("Wait a second", True),
        ]

    async def test_what_was_queued_is_never_fetched_and_what_follows_plays(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(1) for _ in range(5)))
            await after(call, 5)
            await call.interrupt("Stop", after=0.5)
            await send(socket, bot.records(0.3))
            (answer,) = await call.reply()
        assert answer.seconds == 0.3
        assert bot.fetched == ["/audio/0", "/audio/5"]

    async def test_real_time_speech_cuts_what_plays(self, bot: Bot) -> None:
        async with dial(bot, fast=False) as call:
            socket = await bot.answers()
            await send(socket, bot.records(60), bot.records(60))
            await call.record.until(lambda: bool(call.heard))
            await call.say("Stop")
        (heard,) = call.heard
        assert heard.cut
        assert heard.played_seconds < 2
        assert sent(call)[1:] == [
            "agentSpeaking on",
            "clientSpeaking on",
            "interrupt",
            "agentSpeaking off",
            "clientSpeaking off",
            "prompt",
        ]

    async def test_on_a_fast_clock_speech_waits_for_what_is_queued(
        self, bot: Bot
    ) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, *(bot.records(60) for _ in range(3)))
            await call.hears(1)
            await call.say("Thanks")
        assert [heard.cut for heard in call.heard] == [False] * 3
        assert "interrupt" not in sent(call)

    async def test_a_reply_that_is_over_is_not_interrupted(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(1))
            assert not await call.interrupt("Stop", after=1.2)
        assert "interrupt" not in sent(call)
        assert sent(call)[-1] == "prompt"

    async def test_carrier_speech_is_cut_with_its_fragment(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect(events="tokens-played speaker-events")])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {"type": "text", "token": "a" * 30, "last": True})
            await call.interrupt("Stop", after=1)
        interrupt = next(f for f in call.frames if f.message["type"] == "interrupt")
        assert interrupt.message["utteranceUntilInterrupt"] == "a" * 15
        frames = sent(call)
        assert frames.index("tokensPlayed " + "a" * 15) < frames.index("interrupt")

    async def test_by_keypad_the_key_comes_first(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert await call.press("1#")
        frames = sent(call)
        assert frames[2:] == ["dtmf", "interrupt", "agentSpeaking off", "dtmf"]
        keys = [f.message["digit"] for f in call.frames if "digit" in f.message]
        assert keys == ["1", "#"]

    async def test_keys_are_lost_where_nobody_listens_for_them(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque([connect(dtmfDetection="false")])
        async with dial(bot) as call:
            await bot.answers()
            assert not await call.press("1")
        assert "dtmf" not in sent(call)

    @pytest.mark.parametrize("interruptible", ["none", "dtmf", "false"])
    async def test_speech_over_a_deaf_bot_is_lost(
        self, bot: Bot, interruptible: str
    ) -> None:
        bot.twiml["/voice"] = deque([connect(interruptible=interruptible)])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert not await call.say("Stop")
            (heard,) = await call.reply()
        assert not heard.cut
        assert heard.played_seconds == 2
        assert sent(call) == ["setup", "agentSpeaking on", "agentSpeaking off"]

    async def test_speech_may_be_reported_without_interrupting(self, bot: Bot) -> None:
        twiml = connect(interruptible="none", reportInputDuringAgentSpeech="speech")
        bot.twiml["/voice"] = deque([twiml])
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, bot.records(2))
            await call.speaking(1)
            assert await call.say("By the way")
            await call.record.until(lambda: sent(call)[-1] == "agentSpeaking off")
        assert "prompt" in sent(call)
        assert "interrupt" not in sent(call)
        assert not call.heard[0].cut

    async def test_a_single_clip_may_be_uninterruptible(self, bot: Bot) -> None:
        async with dial(bot) as call:
            socket = await bot.answers()
            await send(socket, {**bot.records(2), "interruptible": False})
            await call.speaking(1)
            assert not await call.say("Stop")

    async def test_a_silent_bot_is_told_of(self, bot: Bot) -> None:
        async with dial(bot) as call:
            await call.say("Anybody there?")
            with pytest.raises(BotSilent, match="silent for"):
                await call.reply(patience=0.02)


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


class StillClock(Clock):
    """Moves only as far as something is played."""

    @property
    def seconds(self) -> float:
        return self._skipped


class Listener:
    """Takes every sound as already fetched, and notes the order."""

    def __init__(self) -> None:
        self.record = Record(fast=True, on_heard=None)
        self.record.clock = StillClock(fast=True)
        self.player = Player(self.record, self)
        self.events: list[str] = []

    async def load(self, sound: Sound) -> Heard | None:
        return Heard("clip", sound.seconds, source=sound.source)

    async def begins(self, heard: Heard, *, after_silence: bool) -> None:
        self.record.hear(heard)
        self.events += ["on"] if after_silence else []

    async def ends(self, heard: Heard) -> None:
        self.events.append(heard.source)

    async def falls_silent(self) -> None:
        self.events.append("off")


lengths = st.lists(st.floats(0.01, 20), min_size=1, max_size=6)


class TestPlayer:
    @given(lengths, st.floats(0, 60))
    def test_playback_accounts_for_every_second(
        self, seconds: list[float], hold: float
    ) -> None:
        asyncio.run(self._account(seconds, hold))

    async def _account(self, seconds: list[float], hold: float) -> None:
        listener = Listener()
        player = listener.player
        for number, length in enumerate(seconds):
            player.add(Sound("clip", source=str(number), seconds=length))
        player.hold(hold)
        playing = asyncio.create_task(player.run())
        await listener.record.until(lambda: player.held or player.idle)
        was_held = player.held
        cut = player.stop()
        player.add(Sound("clip", source="answer", seconds=1))
        await listener.record.until(lambda: "answer" in listener.events)
        playing.cancel()

        heard = listener.record.heard
        before, answer = heard[:-1], heard[-1]
        assert was_held == (hold < sum(seconds)) or math.isclose(hold, sum(seconds))
        assert [h.source for h in before] == [str(n) for n in range(len(before))]
        assert [h.cut for h in before] == [h is cut for h in before]
        assert sum(h.played_seconds for h in before) == pytest.approx(
            min(hold, sum(seconds)) if was_held else sum(seconds), abs=1e-6
        )
        if cut:
            assert 0 <= cut.played_seconds <= cut.seconds
        assert (answer.source, answer.played_seconds) == ("answer", 1)


OPTIONAL_FIELDS = (
    *("token", "source", "loop", "interruptible", "preemptible"),
    *("digits", "handoffData"),
)


class TestFrames:
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
    messages = st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "play", "sendDigits", "end", "huh"])},
        optional=dict.fromkeys(OPTIONAL_FIELDS, json_values),
    )

    @given(st.text() | messages.map(json.dumps) | st.binary())
    def test_every_message_is_read_or_refused(self, raw: str | bytes) -> None:
        with suppress(BadFrame):
            read_frame(raw)

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "play", "source": "/audio/1"},
            {"type": "play"},
            {"type": "play", "source": f"{PUBLIC}/a", "loop": True},
            {"type": "play", "source": f"{PUBLIC}/a", "interruptible": "maybe"},
            {"type": "text", "token": None},
            {"type": "sendDigits", "digits": ""},
            {"type": "end", "handoffData": {"to": "sales"}},
            {"type": "clear"},
            {"type": "language"},
            {"type": "language", "ttsLanguage": 7},
            [],
        ],
    )
    def test_bad_messages(self, message: Any) -> None:
        with pytest.raises(BadFrame):
            read_frame(json.dumps(message))


class TestRecording:
    def test_holds_what_was_heard_where_it_was_heard(self, tmp_path: Path) -> None:
        sounds = [
            Heard("clip", 0.5, wav=wav(0.5, 1), at_ms=100, played_seconds=0.5),
            Heard("carrier", 1, text="hm", at_ms=650, played_seconds=1),
            Heard("clip", 1, wav=wav(1, 2), at_ms=1000, played_seconds=0.25, cut=True),
            Heard("clip", 1, wav=wav(0.5, 3), at_ms=1500, played_seconds=1),  # a loop
        ]
        save_recording(sounds, tmp_path / "call.wav")
        with wave.open(str(tmp_path / "call.wav")) as recording:
            assert recording.getparams()[:3] == (1, 2, RATE)
            samples = list(memoryview(recording.readframes(99_999)).cast("h"))
        silence, one, two, three = ([level] * 400 for level in range(4))
        expected = silence * 2 + one * 10 + silence * 8 + two * 5
        assert samples == expected + silence * 5 + three * 20

    def test_needs_one_sample_rate(self, tmp_path: Path) -> None:
        clips = [wav(0.1), wav(0.1, rate=16_000)]
        sounds = [Heard("clip", 0.1, wav=c, played_seconds=0.1) for c in clips]
        with pytest.raises(BadClip, match="8000 and of 16000"):
            save_recording(sounds, tmp_path / "call.wav")


class TestCommand:
    async def _call(self, bot: Bot, *arguments: str) -> str:
        out = StringIO()
        common = ["--server", bot.origin, "--to", "+4930123456", "--no-transcript"]
        common += ["--pause", "0.1"]
        await asyncio.to_thread(
            call_command, "call", *common, *arguments, stdout=out, stderr=out
        )
        return out.getvalue()

    async def _answered(
        self, bot: Bot, *arguments: str
    ) -> tuple[asyncio.Task[str], ServerConnection]:
        calling = asyncio.create_task(self._call(bot, *arguments))
        answering = asyncio.create_task(bot.answers())
        await asyncio.wait([calling, answering], return_when="FIRST_COMPLETED")
        if calling.done():
            answering.cancel()
            pytest.fail(f"The command did not call: {calling.exception()}")
        return calling, await answering

    async def test_prints_and_saves_what_was_heard(
        self, bot: Bot, tmp_path: Path
    ) -> None:
        calling, socket = await self._answered(
            bot,
            *("--say", "What are your hours?", "--press", "12", "--say", "Bye"),
            *("--fast", "--save", str(tmp_path / "call.wav")),
        )
        await send(socket, bot.records(1.9))
        received: list[str] = []
        async for raw in socket:
            message = json.loads(raw)
            if message["type"] in ("prompt", "dtmf"):
                received.append(message.get("voicePrompt") or message["digit"])
            if received[-1:] in (["What are your hours?"], ["2"]):
                await send(socket, bot.records(1))
                received.append("")
            if received[-1:] == ["Bye"]:
                await send(socket, {"type": "end"})
        printed = await calling
        assert received == ["What are your hours?", "", "1", "2", "", "Bye"]
        assert bot.posts[0].is_signed()
        assert "bot   ▶ 1.9 s\n" in printed
        assert "you   “What are your hours?”" in printed
        assert "▶ 1.0 s (first sound" in printed
        assert "The bot ended the call." in printed
        desk = r"In the desk: https://\S+/admin/calls/call/\?q=CA[0-9a-f]{32}\n"
        assert re.search(desk, printed)
        assert "3 turns, 3.9 s heard, median first sound" in printed
        assert (tmp_path / "call.wav").stat().st_size > 3.9 * RATE * 2

    async def test_interrupts_with_a_line_of_its_own(self, bot: Bot) -> None:
        calling, socket = await self._answered(
            bot,
            *("--say", "Tell me a story", "--interrupt-after", "1.2", "--fast"),
            *("--from", "anonymous"),
        )
        assert bot.posts[0].form["From"] == "anonymous"
        await send(socket, bot.records(0.5))
        kinds = []
        async for raw in socket:
            message = json.loads(raw)
            kinds.append(message["type"])
            if message["type"] == "prompt":
                await send(socket, bot.records(5))
        assert [kind for kind in kinds if kind != "info"] == [
            "prompt",
            "interrupt",
            "prompt",
        ]
        assert "✂ stops after 1.2 s" in await calling

    async def test_a_refusal_fails_with_its_words(self, bot: Bot) -> None:
        bot.twiml["/voice"] = deque(["<Response><Say>Not in service.</Say></Response>"])
        with pytest.raises(CommandError, match="hears: “Not in service"):
            await self._call(bot)
        bot.twiml["/voice"] = deque(["<Response><Reject/></Response>"])
        with pytest.raises(CommandError, match="turned away; the list of calls"):
            await self._call(bot)

    async def test_an_error_on_the_line_fails(self, bot: Bot) -> None:
        calling, socket = await self._answered(bot, "--say", "Hi", "--fast")
        await socket.send("{}")
        await send(socket, {"type": "end"})
        with pytest.raises(CommandError, match="Message not understood"):
            await calling

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["--to", "12345"], "Write the number with"),
            (["--from", "nobody"], "Write the number with"),
            (["--timeout", "-1"], "number of seconds"),
            (["--interrupt-after", "nan"], "number of seconds"),
            (["--press", "12a"], "keys are"),
            (["--say", " "], "something to say"),
            (["--server", "localhost:3000"], "not an address"),
            (["--parameter", "Ann"], "not of the form name=value"),
            (["--parameter", "=Ann"], "not of the form name=value"),
            (["--save", "/nowhere/at/all.wav"], "cannot be written"),
            (["--save", "/"], "is a directory"),
        ],
    )
    def test_bad_arguments_are_refused_before_dialling(
        self, arguments: list[str], complaint: str
    ) -> None:
        with pytest.raises(CommandError, match=complaint):
            call_command("call", *arguments)


class TestDatabase:
    pytestmark = pytest.mark.django_db

    def test_the_first_active_number_is_called(self) -> None:
        assert _first_number() == "+15005550006"
        PhoneNumber.objects.create(number="+4930111111", is_active=False)
        PhoneNumber.objects.create(number="+4930222222")
        assert _first_number() == "+4930222222"

    def test_the_transcript_tells_heard_from_unheard(self) -> None:
        now = timezone.now()
        call = Call.objects.create(
            call_sid="CA1", started_at=now, status=Call.Status.COMPLETED
        )
        for index, (role, text, heard) in enumerate(
            [
                ("bot", "Hello.", "Hello."),
                ("caller", "Hi", "Hi"),
                ("bot", "One. Two. Three.", "One. Two."),
            ]
        ):
            Turn.objects.create(
                call=call, index=index, role=role, text=text, heard_text=heard,
                started_at=now,
            )  # fmt: skip
        assert list(report.transcript(_turns("CA1"))) == [
            "bot     Hello.",
            "you     Hi",
            "bot     One. Two. [not heard: Three.]",
        ]

    def test_the_transcript_tells_what_tools_were_given_and_came_to(self) -> None:
        now = timezone.now()
        call = Call.objects.create(
            call_sid="CA1", started_at=now, status=Call.Status.COMPLETED
        )
        uses = [
            ("look_up", '{"number": 42, "pin": "••••"}', "Sent.", False),
            ("look_up", "[4", "The arguments are not a JSON object.", True),
            ("switch_language", '{"language": "it-IT"}', "Not one of yours.", True),
            ("switch_language", '{"language": "de-DE"}', "", False),
        ]
        for index, (name, arguments, result, failed) in enumerate(uses):
            use = {"name": name, "arguments": arguments, "result": result}
            Turn.objects.create(
                call=call, index=index, role="tool", text=name, started_at=now,
                latency_ms={"tool": 120} if index == 0 else {},
                tool_call={**use, "call_id": "1", "batch": 1, "failed": failed},
            )  # fmt: skip
        assert list(report.transcript(_turns("CA1"))) == [
            "tool    look_up(number=42, pin=••••) (120 ms) → Sent.",
            "tool    look_up(not an object=[4) → "
            "failed: The arguments are not a JSON object.",
            "tool    switch_language(language=it-IT) → failed: Not one of yours.",
            "tool    switch_language(language=de-DE) → no answer",
            "        From here on in de-DE.",
        ]
