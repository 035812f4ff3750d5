"""Complete calls over real sockets: a server process, fake Inworld, simulated line."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bots.models import Bot, PhoneNumber
from calls.models import Call, Turn
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from calls.twilio.relay_tokens import new_nonce, relay_token
from tests.conftest import numbered
from tests.support.inworld.server import DONE, FakeInworld, Pause, Status, error, speech
from tests.support.live import AUTH_TOKEN, PUBLIC_URL, LiveServer

pytestmark = pytest.mark.django_db(transaction=True)

make_bot = sync_to_async(numbered)


def dial(server: LiveServer, to: str = "+15005550006", **line: Any) -> SimulatedCall:
    """Make a call as Twilio does, without waiting for real time."""
    options = {"fast": True, "pause": 0.1, "timeout": 15.0, **line}
    return SimulatedCall(
        Line(PUBLIC_URL, AUTH_TOKEN, to=to, connect_to=server.url, **options)
    )


async def closed(call_sid: str) -> Call:
    """Wait until a call is stored completely; return its row."""
    async with asyncio.timeout(15):
        while True:
            call = await Call.objects.filter(call_sid=call_sid).afirst()
            if call and call.ended_at:
                return call
            await asyncio.sleep(0.01)


async def turns(call: Call) -> list[Turn]:
    return [turn async for turn in call.turns.order_by("index")]


async def written(call_sid: str, enough: Callable[[list[Turn]], bool]) -> list[Turn]:
    """Wait until the turns of a live call meet a condition; return them."""
    async with asyncio.timeout(15):
        while True:
            call = await Call.objects.aget(call_sid=call_sid)
            stored_turns = await turns(call)
            if enough(stored_turns):
                return stored_turns
            await asyncio.sleep(0.01)


async def test_a_caller_is_greeted_heard_and_answered_sentence_by_sentence(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("We open at nine.", "Shall I book a table?")
    async with dial(server) as call:
        greeting = await call.reply()
        await call.say("When do you open?")
        answer = await call.hears(2)
    assert call.errors == []
    assert [sound.kind for sound in greeting + answer] == ["clip"] * 3
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("completed", "caller-hung-up")
    said = [(t.role, t.text, t.heard_text, t.interrupted) for t in await turns(row)]
    assert said == [
        ("bot", bot.greeting, bot.greeting, False),
        ("caller", "When do you open?", "When do you open?", False),
        ("bot", *["We open at nine. Shall I book a table?"] * 2, False),
    ]
    delays = [t.latency_ms for t in await turns(row) if t.role == "bot"]
    assert all(ms["playback_started"] >= ms["play_sent"] >= 0 for ms in delays)


async def test_the_model_gets_the_prompt_the_greeting_and_the_callers_words(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello")
        await call.reply()
    body = (await inworld.request(1)).body
    assert [m["role"] for m in body["messages"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert body["messages"][0]["content"] == bot.system_prompt
    assert body["messages"][2]["content"] == bot.greeting
    assert body["messages"][3]["content"] == "Hello"
    assert body["audio"] == {"voice": "Clive", "model": "inworld-tts-2"}


async def test_two_numbers_with_two_bots_answer_at_once_each_as_itself(
    server: LiveServer, inworld: FakeInworld
) -> None:
    for number, voice in (("+15005550010", "Ashley"), ("+15005550011", "Dennis")):
        await make_bot(
            number,
            system_prompt=f"You are {voice}.",
            tts_voice=voice,
            greeting=f"This is {voice}.",
        )

    async def ring(number: str) -> str:
        async with dial(server, to=number) as call:
            await call.reply()
            await call.say(f"Who is {number}?")
            await call.reply()
        return call.call_sid

    first, second = await asyncio.gather(ring("+15005550010"), ring("+15005550011"))
    for sid, number, voice in (
        (first, "+15005550010", "Ashley"),
        (second, "+15005550011", "Dennis"),
    ):
        (body,) = [
            request.body
            for request in inworld.requests
            if request.path.endswith("/completions") and number in str(request.body)
        ]
        assert body["messages"][0]["content"] == f"You are {voice}."
        assert body["audio"]["voice"] == voice
        greeting = (await turns(await closed(sid)))[0]
        assert greeting.text == f"This is {voice}."
    spoken = {r.body["voiceId"] for r in inworld.requests if "tts" in r.path}
    assert spoken == {"Ashley", "Dennis"}


async def test_a_greeting_is_synthesised_once_for_all_calls(
    server: LiveServer, inworld: FakeInworld
) -> None:
    await make_bot("+15005550012", greeting="Only once, please.")
    for _ in range(3):
        async with dial(server, to="+15005550012") as call:
            assert (await call.reply())[0].kind == "clip"
    spoken = [r.body["text"] for r in inworld.requests if "tts" in r.path]
    assert spoken.count("Only once, please.") == 1


async def test_an_interruption_stops_the_stream_and_stores_the_heard_words(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    sentence = "This first sentence takes a while to say."
    inworld.answers([*speech(sentence, seconds=3.0), Pause(), *speech("Never."), DONE])
    async with dial(server, fast=False) as call:
        await call.reply()
        await call.say("Tell me.")
        assert await call.interrupt("Stop!", after=0.6)
        await asyncio.wait_for(inworld.hung_up.wait(), 15)
        await call.reply()
    row = await closed(call.call_sid)
    cut = (await turns(row))[2]
    assert cut.interrupted
    assert sentence.startswith(cut.heard_text)
    assert 0 < len(cut.heard_text) < len(sentence)
    history = (await inworld.request(2)).body["messages"]
    assert history[-2]["content"] == cut.heard_text
    assert history[-1]["content"].endswith("Stop!")


async def test_a_hang_up_cancels_the_request_upstream(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([Pause()])
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello?")
        await inworld.request(1)
        await call.hang_up()
        await asyncio.wait_for(inworld.hung_up.wait(), 15)


@pytest.mark.parametrize(
    ("number", "settings", "reason"),
    [
        ("+15005550020", {"is_active": False}, "not-in-service"),
        ("+15005550021", None, "no-bot"),
    ],
)
async def test_a_number_nobody_answers_gets_a_polite_sentence(
    server: LiveServer, number: str, settings: dict[str, Any] | None, reason: str
) -> None:
    if settings is not None:
        await make_bot(number, **settings)
    async with dial(server, to=number) as call:
        assert not call.answered
        assert call.refusal
        assert "not in service" in call.refusal
    row = await closed(call.call_sid)
    assert (row.status, row.end_reason) == ("refused", reason)


async def test_an_inactive_number_is_not_answered_by_the_default_bot(
    server: LiveServer, bot: Bot
) -> None:
    await PhoneNumber.objects.acreate(number="+15005550022", is_active=False, bot=bot)
    async with dial(server, to="+15005550022") as call:
        assert not call.answered


async def test_a_failing_model_is_apologised_for_and_the_call_goes_on(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.reply_with = lambda body: [Status(401)]
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello?")
        assert await call.reply()
        inworld.reply_with = None
        inworld.says("Here I am again.")
        await call.say("Are you there?")
        assert (await call.reply())[-1].kind == "clip"


async def test_an_error_in_the_stream_keeps_the_speech_before_it(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.answers([*speech("This much came."), error("upstream failed")])
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello?")
        assert (await call.reply())[0].kind == "clip"
    turn = (await turns(await closed(call.call_sid)))[2]
    assert turn.heard_text == "This much came."
    assert "upstream failed" in turn.error


JUNK: list[str | bytes] = [
    *("", "not json", "[]", "null", '"prompt"', '{"type":"prompt"}', '{"type":7}'),
    '{"type":"prompt","voicePrompt":null,"last":true}',
    '{"type":"prompt","voicePrompt":"   ","last":true}',
    '{"type":"prompt","voicePrompt":["a"],"last":true}',
    '{"type":"interrupt","durationUntilInterruptMs":"soon"}',
    '{"type":"interrupt","durationUntilInterruptMs":{}}',
    '{"type":"dtmf","digit":"99"}',
    '{"type":"info","name":"weather","value":"fine"}',
    '{"type":"configUpdated"}',
    '{"type":"error","description":"Invalid message received, code: 64107, {}"}',
    "[" * 10_000,
    b"\x00\x01\x02",
]


async def test_unknown_frames_do_not_end_a_call(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    inworld.says("Still here.")
    async with dial(server) as call:
        await call.reply()
        for frame in JUNK:
            await call.send_raw(frame)
        await call.say("Are you there?")
        assert (await call.reply())[0].kind == "clip"
    texts = [turn.text for turn in await turns(await closed(call.call_sid))]
    assert texts[1:] == ["Are you there?", "Still here."]


async def test_forty_calls_at_once_all_complete(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async def ring(index: int) -> str:
        async with dial(server, timeout=30.0) as call:
            await call.reply()
            for question in range(2):
                await call.say(f"Question {question} of call {index}")
                await call.reply()
        assert call.errors == []
        return call.call_sid

    sids = await asyncio.gather(*(ring(index) for index in range(40)))
    for index, sid in enumerate(sids):
        said = [t.text for t in await turns(await closed(sid)) if t.role == "caller"]
        assert said == [f"Question {q} of call {index}" for q in range(2)]


async def test_turns_are_in_the_database_while_the_call_goes_on(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        await call.say("Hello there")
        await call.reply()
        stored_turns = await written(call.call_sid, lambda turns: len(turns) == 3)
        assert stored_turns[1].text == "Hello there"
        assert (await Call.objects.aget(call_sid=call.call_sid)).status == "in-progress"


async def test_the_call_can_be_exported(
    server: LiveServer,
    inworld: FakeInworld,
    bot: Bot,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with dial(server) as call:
        await call.reply()
    await closed(call.call_sid)
    await sync_to_async(call_command)("export_calls")
    exported = json.loads(capsys.readouterr().out)
    assert exported["call_sid"] == call.call_sid
    assert exported["turns"][0]["text"] == bot.greeting


async def test_a_forged_webhook_and_a_forged_socket_are_refused(
    server: LiveServer, bot: Bot
) -> None:
    async with httpx.AsyncClient() as http:
        form = {"CallSid": "CA1", "To": "+15005550006"}
        unsigned = await http.post(f"{server.url}/voice", data=form)
        assert unsigned.status_code == 403
        forged = {"X-Twilio-Signature": "nonsense"}
        signed = await http.post(f"{server.url}/voice", data=form, headers=forged)
        assert signed.status_code == 403
        hears = await http.get(f"{server.url}/voice")
        assert "<Say" in hears.text
        assert "ConversationRelay" not in hears.text
        assert (await http.get(f"{server.url}/audio/guess")).status_code == 404
    for path in ("/conversation", "/conversation/guess", "/elsewhere"):
        with pytest.raises(InvalidStatus):
            await connect(server.url.replace("http", "ws") + path)


async def test_a_call_to_another_address_than_server_url_hears_a_sentence(
    server: LiveServer, bot: Bot
) -> None:
    line = Line("https://tunnel.example.org", AUTH_TOKEN, connect_to=server.url)
    async with SimulatedCall(line) as call:
        assert not call.answered
        assert call.refusal
    assert "Set SERVER_URL=https://tunnel.example.org" in server.output


async def test_a_call_has_one_socket(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        await call.reply()
        setup = next(f.message for f in call.frames if f.message["type"] == "setup")
        path = f"/conversation/{relay_token(call.call_sid, new_nonce())}"
        signer = RequestValidator(AUTH_TOKEN)
        signature = signer.compute_signature(f"wss://bot.example.com{path}", {})
        with pytest.raises(InvalidStatus):
            await connect(
                server.url.replace("http", "ws") + path,
                additional_headers={"X-Twilio-Signature": signature},
            )
        await call.send_raw(json.dumps(setup))  # a second setup changes nothing
        await call.say("Still there?")
        assert await call.reply()


async def test_no_clip_id_and_no_words_are_in_the_log(
    server: LiveServer, inworld: FakeInworld, bot: Bot
) -> None:
    async with dial(server) as call:
        (greeting,) = await call.reply()
        await call.say("My name is Rumpelstiltskin")
        await call.reply()
        async with httpx.AsyncClient() as http:
            for path in (greeting.source.removeprefix(PUBLIC_URL), "/audio/unknown"):
                await http.post(server.url + path)
                await http.get(server.url + path)
    assert "/audio/" not in server.output
    assert "Rumpelstiltskin" not in server.output
