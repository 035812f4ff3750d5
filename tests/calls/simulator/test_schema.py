"""The schema of frames and TwiML: it allows what Twilio takes, and nothing else."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from calls.simulator.line import CallFailed
from calls.simulator.schema import (
    TO_BOT,
    TO_TWILIO,
    TWIML,
    Field,
    frame_fault,
    twiml_faults,
)
from calls.simulator.twiml import read_twiml
from calls.transfer import Transfer
from calls.twilio import relay, twiml
from tests.calls.simulator.small_voicebot import Bot, connect, dial, send, sent

CLIP = "https://x/audio/1"


def fields() -> Iterator[tuple[str, Field]]:
    for name, of_name in [*TO_BOT.items(), *TO_TWILIO.items()]:
        yield from ((f"{name}.{key}", field) for key, field in of_name.items())
    for name, element in TWIML.items():
        yield from ((f"<{name} {k}>", f) for k, f in element.attributes.items())


def test_each_line_has_a_source() -> None:
    assert [name for name, field in fields() if len(field.source) < 10] == []


@pytest.mark.parametrize(
    "frame",
    [
        *(relay.play(CLIP), relay.play(CLIP, interruptible=False)),
        *(relay.text("Hi."), relay.text("Hi.", interruptible=False)),
        *(
            relay.language(speech="nb-NO", transcription="no-NO"),
            relay.end(),
            relay.end('{"transfer": true}'),
        ),
    ],
)
def test_our_frames_are_allowed(frame: str) -> None:
    assert frame_fault(json.loads(frame), TO_TWILIO) == ""


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ({"type": "play", "source": CLIP, "interruptible": "none"}, "interruptible"),
        ({"type": "text", "token": "Hi", "interruptible": "any"}, "interruptible"),
        ({"type": "text", "token": "Hi", "preemptible": "false"}, "preemptible"),
        ({"type": "text", "token": "Hi", "last": 1}, "last"),
        ({"type": "text", "text": "Hi"}, "token"),
        ({"type": "play", "source": CLIP, "loop": 1001}, "loop"),
        ({"type": "play", "source": CLIP, "Loop": 1}, "Loop"),
        ({"type": "play", "url": CLIP}, "source"),
        ({"type": "Play", "source": CLIP}, "unknown type"),
        ({"type": "language", "language": "de-DE"}, "language"),
        ({"type": "language", "ttsLanguage": "German"}, "ttsLanguage"),
        ({"type": "end", "handoffData": {}}, "handoffData"),
        ({"type": "config", "speechTimeout": 2000}, "unknown type"),
        ({"type": ["end"]}, "unknown type"),
    ],
)
def test_frames_that_twilio_would_drop(frame: dict[str, Any], fault: str) -> None:
    assert fault in frame_fault(frame, TO_TWILIO)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "dtmf", "digit": "12"},
        {"type": "prompt", "voicePrompt": "Hi", "lang": "en"},
        {
            "type": "interrupt",
            "utteranceUntilInterrupt": "",
            "durationUntilInterrupt": 1,
        },
        {"type": "info", "name": "speaking", "value": "on"},
        {"type": "setup", "callSid": "CA1"},
    ],
)
def test_frames_that_twilio_never_sends(frame: dict[str, Any]) -> None:
    assert frame_fault(frame, TO_BOT)


async def test_a_word_for_interruptible_is_refused_and_the_call_goes_on(
    bot: Bot,
) -> None:
    async with dial(bot) as call:
        socket = await bot.answers()
        await send(socket, {**bot.records(1), "interruptible": "none"})
        await send(socket, bot.records(2))
        (heard,) = await call.reply()
    assert heard.seconds == 2
    assert "error" in sent(call)
    assert "interruptible" in call.errors[0]


async def test_a_mistake_of_the_simulator_raises(bot: Bot) -> None:
    async with dial(bot) as call:
        await bot.answers()
        assert call._session
        with pytest.raises(ValueError, match="no such dtmf frame"):
            await call._session._send({"type": "dtmf", "digit": "A"})


def documents() -> Iterator[str]:
    target = Transfer("Anna", "+4930123456", announce=True)
    urls = {"action_url": "https://x/dialled", "screening_url": "https://x/screen"}
    yield twiml.say_and_hang_up("Goodbye.", "de-DE")
    for caller_id, message in (("", ""), ("+15005550006", "One moment.")):
        yield twiml.transfer_blind(
            "+4930123456", ring_seconds=20, caller_id=caller_id, message=message
        )
        yield twiml.dial_and_report(target, caller_id=caller_id, **urls)
    yield twiml.screening_gather(
        target, accept_url="https://x/accept?a=1&b=2", announcement="A call for you."
    )
    yield twiml.screening_accepted("You are connected.", "en-US")
    yield from (twiml.reject("rejected"), twiml.reject("busy"), twiml.hang_up())
    yield from (twiml.redirect("https://x/voice?a=1"), twiml.empty_response())


@pytest.mark.parametrize("document", list(documents()))
def test_our_documents_are_allowed(document: str) -> None:
    assert list(twiml_faults(ElementTree.fromstring(document))) == []


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (connect(ttsprovider="Google"), "ttsprovider"),
        (connect(ttsProvider="Inworld"), "ttsProvider"),
        (connect(dtmfDetection="True"), "dtmfDetection"),
        (connect(interruptByDtmf="true"), "interruptByDtmf"),
        (connect(speechTimeout="200"), "speechTimeout"),
        (connect(events="speaker_events"), "events"),
        (connect(voice=""), "voice"),
        (connect("German"), "code"),
        (connect().replace("<Parameter name", "<Parameter key"), "'name' is"),
        (connect().replace("Parameter", "Param"), "<Param> is unknown"),
        ("<Response><Connect/></Response>", "<Connect> is empty"),
        ("<Response><say>Hi</say></Response>", "<say> is unknown"),
        ("<Response><Say/></Response>", "<Say> is empty"),
        ("<Response>Hello</Response>", "<Response> has text"),
        ("<Response><Dial timeout='soon'>+49</Dial></Response>", "timeout"),
        ("<Response><Dial><Say>Hi</Say></Dial></Response>", "<Say> in <Dial>"),
        ("<Response><Reject reason='spam'/></Response>", "reason"),
    ],
)
def test_documents_that_twilio_would_not_follow(document: str, fault: str) -> None:
    with pytest.raises(CallFailed, match="Twilio refuses") as failed:
        read_twiml(document, "https://x/voice")
    assert fault in str(failed.value)


def test_newer_attributes_are_allowed() -> None:
    attributes = {
        "echoPromptFiltering": "true",
        "partialPrompts": "true",
        "partialPromptOnHangup": "true",
        "customerName": "Ann",
        "voice": "en-US-Chirp3-HD-Aoede",
        "speechTimeout": "auto",
        "eotThreshold": "0.7",
        "eagerEotThreshold": "0.35",
    }
    document = connect("de-DE", **attributes)
    hints = '<Language code="de-DE" hints="Acme, Bo" voice="de-DE-Neural2-C"/>'
    (verb,) = read_twiml(
        document.replace('<Language code="de-DE"/>', hints), "https://x/"
    )
    assert verb
