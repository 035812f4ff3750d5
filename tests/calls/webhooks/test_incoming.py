"""The webhooks in Twilio's recorded forms: TwiML, callbacks, repetition, lateness."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from bots.audio import wav
from bots.models import Bot
from calls.clips.clip_store import RedisClips
from calls.clips.signed_ids import new_clip_id, phrase_id
from calls.models import Call
from calls.session.services import services
from calls.turns.clip_ids import GONE, REPLACED, UNAVAILABLE
from calls.twilio.relay_tokens import read_token, relay_token
from calls.webhooks import incoming
from tests.conftest import numbered
from tests.support.live import free_port
from tests.support.process import clear_process_state
from voicebot.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "https://bot.example.com"
TOKEN = "7e570123456789abcdef0123456789ab"
GEO = [f"{who}{what}" for who in ("From", "To") for what in ("City", "Zip", "State")]
RINGING = {
    **dict.fromkeys(GEO, ""),
    "AccountSid": "AC1",
    "ApiVersion": "2010-04-01",
    "CallSid": "CA1",
    "CallStatus": "ringing",
    "Direction": "inbound",
    "From": "+15005550001",
    "To": "+15005550006",
}


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    clear_process_state()
    yield
    clear_process_state()


async def post(path: str, token: str = TOKEN, **form: str) -> httpx.Response:
    signature = RequestValidator(token).compute_signature(ORIGIN + path, form)
    async with outside() as http:
        headers = {"X-Twilio-Signature": signature}
        return await http.post(path, data=form, headers=headers)


def outside() -> httpx.AsyncClient:
    """A client that reaches the application the way Twilio does."""
    app: Any = application
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


async def ring(**changes: str) -> ElementTree.Element:
    response = await post("/voice", **{**RINGING, **changes})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/xml"
    return ElementTree.fromstring(response.content)


async def test_the_twiml_sets_every_attribute_of_turn_taking(bot: Bot) -> None:
    document = await ring()
    connect = document.find("Connect")
    assert connect is not None
    assert connect.attrib == {"action": f"{ORIGIN}/voice/action", "method": "POST"}
    relay = connect.find("ConversationRelay")
    assert relay is not None
    url = relay.attrib.pop("url")
    assert url.startswith("wss://bot.example.com/conversation/")
    assert "?" not in url
    call = await Call.objects.aget()
    assert read_token(url.rsplit("/", 1)[1]) == ("CA1", call.relay_nonce)
    assert relay.attrib == {
        "language": "en-US",
        "ttsProvider": "Google",
        "voice": "en-US-Chirp3-HD-Aoede",
        "transcriptionProvider": "Deepgram",
        "speechTimeout": "auto",
        "interruptible": "any",
        "welcomeGreetingInterruptible": "any",
        "interruptSensitivity": "medium",
        "reportInputDuringAgentSpeech": "any",
        "ignoreBackchannel": "false",
        "echoPromptFiltering": "true",
        "partialPrompts": "true",
        "partialPromptOnHangup": "true",
        "preemptible": "false",
        "dtmfDetection": "true",
        "events": "speaker-events",
    }


async def test_what_stands_in_the_voice_address_becomes_parameters(bot: Bot) -> None:
    query = "shop=K%C3%B6ln+%22%3E%3CHangup%2F%3E&elsewhere=2&b%20ad=x&secret.key=x"
    response = await post(f"/voice?{query}&long={'x' * 600}&n=a%00%0Ab", **RINGING)
    relay = ElementTree.fromstring(response.content).find("Connect/ConversationRelay")
    assert relay is not None
    parameters = {child.attrib["name"]: child.attrib["value"] for child in relay}
    assert parameters == {"shop": 'Köln "><Hangup/>', "long": "x" * 500, "n": "a b"}
    assert {each.tag for each in relay} == {"Parameter"}
    call = await Call.objects.aget()
    assert call.variables == parameters
    # Results of the lookup are not sent to Twilio.
    call.variables |= {"debt": "100"}
    call.relay_nonce = ""
    await call.asave()
    again = await post("/voice", **{**RINGING, "CallStatus": "in-progress"})
    assert b"ConversationRelay" in again.content
    assert b"Parameter" not in again.content


async def test_hostile_settings_stay_inside_their_attribute() -> None:
    await sync_to_async(numbered)("+15005550006", hints='"/><Hangup/><x a="Ärzte & Co')
    relay = (await ring()).find("Connect/ConversationRelay")
    assert relay is not None
    assert relay.attrib["hints"] == '"/><Hangup/><x a="Ärzte & Co'


async def test_a_repeated_delivery_is_the_same_call(bot: Bot) -> None:
    await ring()
    bot.greeting = "Changed meanwhile."
    await bot.asave()
    await ring()
    call = await Call.objects.aget()
    assert call.settings["greeting"] != "Changed meanwhile."
    assert (call.bot_id, call.bot_name) == (bot.pk, "Default")


@pytest.mark.parametrize(
    "changes",
    [
        {"From": "anonymous"},
        {"From": "client:alice", "FromCity": ""},
        {"To": "", "From": ""},
        {"From": "sip:alice@example.com;" + "x" * 300},
    ],
)
async def test_odd_numbers_are_answered(bot: Bot, changes: dict[str, str]) -> None:
    assert (await ring(**changes)).find("Connect") is not None


async def test_an_outbound_call_is_answered_by_the_bot_of_the_calling_number() -> None:
    bot = await sync_to_async(numbered)("+15005550006")
    await ring(Direction="outbound-api", From="+15005550006", To="+15005550001")
    call = await Call.objects.aget()
    assert (call.bot_id, call.direction) == (bot.pk, "outbound-api")


async def test_a_call_without_a_sid_hears_a_sentence(bot: Bot) -> None:
    document = await ring(CallSid="")
    assert [verb.tag for verb in document] == ["Say", "Hangup"]


async def test_a_missing_inworld_key_is_reported_in_speech_and_in_the_log(
    bot: Bot, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.INWORLD_API_KEY = ""
    settings.INWORLD_BASE_URL = settings.INWORLD_PUBLIC_URL
    document = await ring()
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert (await Call.objects.aget()).end_reason == "not-configured"
    assert "INWORLD_API_KEY is not set" in caplog.text


async def test_a_loopback_server_url_behind_a_tunnel_is_reported(
    bot: Bot, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SERVER_URL = "http://localhost:3000"
    settings.SERVER_HOST = "localhost"
    settings.TWILIO_AUTH_TOKENS = []
    settings.DEBUG = True
    document = await ring()
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert "SERVER_URL is http://localhost:3000" in caplog.text


async def test_without_a_token_only_debug_answers(bot: Bot, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKENS = []
    assert (await post("/voice", **RINGING)).status_code == 403
    settings.DEBUG = True
    assert (await post("/voice", **RINGING)).status_code == 200


async def test_two_tokens_are_good_during_rotation(
    bot: Bot, settings: Settings
) -> None:
    settings.TWILIO_AUTH_TOKENS = ["new", "old"]
    for token in ("new", "old"):
        assert (await post("/voice", token, **RINGING)).status_code == 200
    assert (await post("/voice", TOKEN, **RINGING)).status_code == 403


def test_a_token_is_for_one_call_and_not_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = relay_token("v3:odd/sid", "once")
    assert read_token(token) == ("v3:odd/sid", "once")
    assert read_token(token[:-1]) is None
    assert read_token("") is None
    settings.SECRET_KEY = "another"
    assert read_token(token) is None


SALES = {
    "name": "Sales",
    "number": "+15005550042",
    "ring_seconds": 20,
    "announce": True,
}
SESSION = {"CallSid": "CA1", "SessionId": "VX1", "SessionDuration": "12"}
LOST = {**SESSION, "SessionStatus": "failed", "CallStatus": "in-progress"}


@pytest.mark.parametrize(
    ("path", "form", "status", "reason"),
    [
        ("action", {"SessionStatus": "completed"}, "completed", "caller-hung-up"),
        ("action", {"SessionStatus": "ended"}, "completed", "bot-hung-up"),
        ("action", {"SessionStatus": "failed"}, "failed", "carrier-failed"),
        ("status", {"CallStatus": "completed"}, "completed", "caller-hung-up"),
        ("status", {"CallStatus": "busy"}, "failed", "never-connected"),
        ("status", {"CallStatus": "ringing"}, "ringing", ""),
        ("status", {"CallStatus": "made-up"}, "ringing", ""),
    ],
)
async def test_callbacks_close_a_call_with_a_reason(
    bot: Bot, path: str, form: dict[str, str], status: str, reason: str
) -> None:
    await ring()
    response = await post(f"/voice/{path}", **SESSION, **form)
    assert response.status_code == (200 if path == "action" else 204)
    call = await Call.objects.aget()
    assert (call.status, call.end_reason) == (status, reason)


async def test_only_the_first_word_on_the_end_counts(bot: Bot) -> None:
    await ring()
    await post("/voice/action", **SESSION, SessionStatus="failed")
    closed = await Call.objects.aget()
    for _ in range(2):
        await post("/voice/status", **SESSION, CallStatus="completed")
        await post("/voice/action", **SESSION, SessionStatus="completed")
    call = await Call.objects.aget()
    assert (call.end_reason, call.ended_at) == ("carrier-failed", closed.ended_at)


async def test_callbacks_for_unknown_calls_are_taken_quietly() -> None:
    response = await post("/voice/status", CallSid="CA9", CallStatus="completed")
    assert response.status_code == 204
    assert not await Call.objects.aexists()


async def replaced(clip_id: str) -> str:
    """Fetch a clip that cannot be had; return why silence came instead of it."""
    async with outside() as client:
        response = await client.get(f"/audio/{clip_id}")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "audio/wav"
        assert response.headers["Cache-Control"] == "no-store"
        sound = wav.read(response.content)
        assert 0 < sound.seconds < 0.5
        assert not any(sound.data)
        head = await client.head(f"/audio/{clip_id}")
        length = len(response.content)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(length))
        return response.headers[REPLACED]


async def test_a_clip_of_a_call_that_is_gone_is_replaced_by_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clip_id = new_clip_id()
    await services().clips.put(clip_id, b"RIFF....", 60)
    async with outside() as client:
        response = await client.get(f"/audio/{clip_id}")
    assert REPLACED not in response.headers
    await services().clips.drop([clip_id])
    assert await replaced(clip_id) == GONE
    assert await replaced(phrase_id(b"Hello.")) == GONE
    assert "Silence served instead of a clip: gone" in caplog.text


async def test_a_clip_is_replaced_by_silence_while_the_store_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips = RedisClips(f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setattr(services(), "clips", clips)
    assert await replaced(new_clip_id()) == UNAVAILABLE
    async with outside() as client:
        assert (await client.get("/audio/guess")).status_code == 404
    await clips.aclose()


async def test_clips_are_served_in_full_and_only_by_their_id() -> None:
    await services().clips.put("secret", b"RIFF....", 60)
    async with outside() as client:
        response = await client.get("/audio/secret")
        assert (response.status_code, response.content) == (200, b"RIFF....")
        assert response.headers["Content-Type"] == "audio/wav"
        assert response.headers["Content-Length"] == "8"
        assert response.headers["Cache-Control"] == "no-store"
        head = await client.head("/audio/secret")
        assert (head.status_code, head.headers["Content-Length"]) == (200, "8")
        assert (await client.get("/audio/guess")).status_code == 404
        assert (await client.post("/audio/secret")).status_code == 405


async def test_a_call_that_is_over_has_an_end_and_a_length(bot: Bot) -> None:
    await ring()
    call = await Call.objects.aget()
    assert call.duration is None
    call.ended_at = timezone.now()
    assert call.duration is not None


async def test_a_query_is_part_of_what_is_signed(bot: Bot) -> None:
    assert (await post("/voice?campaign=1", **RINGING)).status_code == 200
    assert (await post("/voice/", **{**RINGING, "CallSid": "CA2"})).status_code == 200


async def test_without_a_database_the_caller_hears_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(form: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(incoming, "choose_bot", broken)
    document = await ring()
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert "no database" in caplog.text


async def test_hints_may_be_one_a_line() -> None:
    await sync_to_async(numbered)("+15005550006", hints="Acme,\r\nDr. Okafor\r\n\r\n")
    relay = (await ring()).find("Connect/ConversationRelay")
    assert relay is not None
    assert relay.attrib["hints"] == "Acme, Dr. Okafor"


async def test_a_handoff_puts_through_to_whom_the_row_names_and_nobody_else() -> None:
    await sync_to_async(numbered)("+15005550006", transfer_number="+15005550099")
    await ring()
    for transfer, handoff, dialled in (
        (SALES, '{"transfer": true}', ["+15005550042"]),
        (SALES, '{"transfer": true, "number": "+19005550000"}', ["+15005550042"]),
        (SALES, '{"transfer": "+19005550000"}', []),
        (SALES, "[" * 5000, []),
        (SALES, "null", []),
        ({}, '{"transfer": true, "number": "+19005550000"}', []),
        ({"returned": "Nobody."}, '{"transfer": true}', []),
    ):
        await Call.objects.aupdate(status="in-progress", transfer=transfer)
        form = {**SESSION, "SessionStatus": "ended", "HandoffData": handoff}
        document = ElementTree.fromstring((await post("/voice/action", **form)).content)
        numbers = [dial.findtext("Number") for dial in document.iter("Dial")]
        assert numbers == dialled
