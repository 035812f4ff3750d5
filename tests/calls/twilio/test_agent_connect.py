"""Twilio's own library reads what we send, and we read what it expects to get.

twilio-agent-connect (TAC) has models of the TwiML, of three frames and of the webhooks.
It knows no `dtmf`, `info` and `error` frames, and no attributes that are newer than it.
"""

import inspect
import json
import os
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

os.environ["TAC_ANALYTICS_DISABLED"] = "true"  # it would report its use to Twilio

from tac.channels.voice.conversation_relay.twiml import generate_twiml
from tac.models.handoff import PendingHandoffData
from tac.models.voice import (
    CallStatusEvent,
    ConversationRelayCallbackPayload,
    InterruptMessage,
    LanguageConfig,
    PromptMessage,
    SetupMessage,
    TwiMLRequest,
    VoiceTwiMLOptionsConversationRelay,
)
from twilio.twiml.voice_response import Connect, ConversationRelay

from bots.config.capabilities import Language
from bots.config_builder import config_of
from bots.models import Bot
from calls.conversation.events import CallerInterrupted, CallerSpoke
from calls.simulator import Line
from calls.simulator.forms import action_form, setup_fields, status_form, voice_form
from calls.simulator.schema import TO_BOT, TO_TWILIO, TWIML, frame_fault, twiml_faults
from calls.simulator.session import Ending
from calls.simulator.twiml import Relay, read_twiml
from calls.twilio import relay, twiml

LINE = Line("https://bot.example.com")
CALL = "CA" + "1" * 32
RELAY_ATTRIBUTES = TWIML["ConversationRelay"].attributes


def snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)


def parameters_of(method: Any) -> set[str]:
    """The names of a method of Twilio's SDK, as attributes: in camel case."""
    names = method.__code__.co_varnames[1 : method.__code__.co_argcount]
    return {re.sub("_([a-z])", lambda match: match[1].upper(), name) for name in names}


def document(*languages: Language, reduced: bool = False, **settings: Any) -> str:
    """TwiML of a bot whose every optional setting is set."""
    bot = Bot(
        **{
            "hints": "Acme, Bo",
            "speech_model": "nova-3-general",
            "backup_voice": "en-US-Neural2-F",
            "interruptible": "speech",
            "interrupt_sensitivity": "low",
            **settings,
        }
    )
    return twiml.relay(
        replace(config_of(bot), languages=languages),
        socket_url="wss://x/socket",
        action_url="https://x/ended",
        parameters={"room": "7"},
        reduced=reduced,
    )


GERMAN = Language(
    "de-DE",
    "Johanna",
    backup_voice="de-DE-Neural2-F",
    transcription_provider="Google",
    speech_model="telephony",
    hints="Müller",
)
ARABIC: dict[str, Any] = {"language": "ar-SA", "backup_voice": "", "speech_model": ""}
DOCUMENTS = {
    "one language": document(),
    "Google's tag": document(**ARABIC),
    "languages": document(GERMAN, Language("zh-CN", "Yu")),
    "no echo filter, no keys": document(echo_filter=False, dtmf_detection=False),
    "reduced": document(GERMAN, reduced=True, **ARABIC),
}
# Attributes whose names TAC does not know; twilio-python does.
NEWER = {"echoPromptFiltering", "partialPromptOnHangup"}
NEWER_OF_LANGUAGE = {"hints"}


@pytest.mark.parametrize("sent", DOCUMENTS.values(), ids=DOCUMENTS)
def test_it_reads_every_option_of_our_twiml(sent: str) -> None:
    assert list(twiml_faults(ElementTree.fromstring(sent))) == []
    (connect,) = ElementTree.fromstring(sent)
    (element,) = connect
    options = {snake(name): value for name, value in element.attrib.items()}
    children = [
        {snake(name): value for name, value in child.attrib.items()}
        for child in element.iter("Language")
    ]
    parameters = {
        x.attrib["name"]: x.attrib["value"] for x in element.iter("Parameter")
    }
    known = VoiceTwiMLOptionsConversationRelay.model_fields
    ours = {name: value for name, value in options.items() if name in known}
    read = VoiceTwiMLOptionsConversationRelay.model_validate(
        {
            **ours,
            "websocket_url": options["url"],
            "action_url": connect.attrib["action"],
            "languages": children,
            "custom_parameters": parameters,
        }
    )
    assert ours == {name: as_text(getattr(read, name)) for name in ours}
    assert getattr(read.custom_parameters, "room", "") == "7"
    for child, language in zip(children, read.languages or (), strict=True):
        for name in child.keys() & LanguageConfig.model_fields.keys():
            assert getattr(language, name) == child[name]


def as_text(value: object) -> str:
    """A value that TAC has read, as TwiML has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_few_names_that_it_does_not_know_are_twilios() -> None:
    elements = [
        element
        for sent in DOCUMENTS.values()
        for element in ElementTree.fromstring(sent).iter()
    ]
    relays = [x.attrib for x in elements if x.tag == "ConversationRelay"]
    known = VoiceTwiMLOptionsConversationRelay.model_fields.keys() | {"url"}
    names = {name for attributes in relays for name in attributes}
    assert {name for name in names if snake(name) not in known} == NEWER
    assert parameters_of(Connect.conversation_relay) >= NEWER
    languages = {name for x in elements if x.tag == "Language" for name in x.attrib}
    fields = LanguageConfig.model_fields
    assert {
        name for name in languages if snake(name) not in fields
    } == NEWER_OF_LANGUAGE
    assert parameters_of(ConversationRelay.language) >= languages


def test_every_option_that_we_can_set_is_in_one_of_these_documents() -> None:
    sent = "".join(DOCUMENTS.values())
    names = re.findall(r'"(\w+)"', inspect.getsource(twiml))
    attributes = {name for name in names if name in RELAY_ATTRIBUTES}
    assert len(attributes) > 15
    assert [name for name in attributes if f" {name}=" not in sent] == []


def test_our_schema_allows_every_option_that_it_can_send() -> None:
    """Each option at once, with the values that its model allows."""
    words: dict[str, Any] = {
        "interruptible": "dtmf",
        "welcome_greeting_interruptible": "none",
        "report_input_during_agent_speech": "any",
        "interrupt_sensitivity": "low",
        "elevenlabs_text_normalization": "auto",
        "tts_provider": "Google",
        "transcription_provider": "Deepgram",
        "events": "speaker-events tokens-played",
        "debug": "debugging",
        "eot_threshold": 0.7,
        "speech_timeout": 600,
        "action_url": "https://x/ended",
        "websocket_url": "wss://x/socket",
        "languages": [{"code": "de-DE", "voice": "de-DE-Neural2-C"}],
        "custom_parameters": {"room": "7"},
        "language": "en-US",
        "tts_language": "en-US",
        "transcription_language": "multi",
    }
    flags = {
        *("partial_prompts", "deepgram_smart_format", "ignore_backchannel"),
        *("preemptible", "dtmf_detection"),
    }
    options = VoiceTwiMLOptionsConversationRelay.model_fields.keys() - {"extra"}
    values = {name: words.get(name, name in flags or "x") for name in options}
    sent = generate_twiml(options=VoiceTwiMLOptionsConversationRelay(**values))
    assert list(twiml_faults(ElementTree.fromstring(sent))) == []


def test_our_schema_has_every_attribute_of_the_sdk_whose_values_are_known() -> None:
    names = parameters_of(Connect.conversation_relay)
    assert names - {"backgroundNoiseReduction"} <= RELAY_ATTRIBUTES.keys()
    known = TWIML["Language"].attributes.keys()
    assert parameters_of(ConversationRelay.language) == known


@pytest.mark.parametrize(
    "ending",
    [Ending("completed"), Ending("ended", '{"transfer": true}'), Ending("failed")],
)
def test_it_reads_the_simulators_action_callback(ending: Ending) -> None:
    form = action_form(LINE, CALL, "VX1", 12.3, ending)
    read = ConversationRelayCallbackPayload.model_validate(form)
    assert (read.session_status, read.session_duration) == (ending.status, "12")
    assert (read.call_sid, read.from_number) == (CALL, LINE.from_)


def test_it_reads_the_simulators_other_webhooks() -> None:
    status = CallStatusEvent.from_form(status_form(LINE, CALL, 12.3, "now"))
    assert (status.call_status, status.call_duration) == ("completed", "12")
    voice = TwiMLRequest.from_form(voice_form(LINE, CALL))
    assert (voice.to_number, voice.direction) == (LINE.to, "inbound")


def setup() -> dict[str, Any]:
    (verb,) = read_twiml(document(), "https://x/voice")
    assert isinstance(verb, Relay)
    fields = setup_fields(LINE, CALL, verb, first=True)
    return {"type": "setup", "sessionId": "VX1", **fields}


PROMPT = {"type": "prompt", "voicePrompt": "Hi", "lang": "en-US", "last": True}
INTERRUPT = {
    "type": "interrupt",
    "utteranceUntilInterrupt": "Sen",
    "durationUntilInterruptMs": 460,
}


@pytest.mark.parametrize(
    ("model", "frame"),
    [(SetupMessage, setup()), (PromptMessage, PROMPT), (InterruptMessage, INTERRUPT)],
)
def test_it_reads_the_simulators_frames(model: Any, frame: dict[str, Any]) -> None:
    assert frame_fault(frame, TO_BOT) == ""
    read = model.model_validate(frame).model_dump(by_alias=True, exclude_none=True)
    assert read == frame


def test_we_read_its_frames_with_all_and_with_no_fields() -> None:
    def read(message: Any) -> object:
        return relay.parse(message.model_dump_json(by_alias=True))

    assert read(SetupMessage.model_validate(setup())) == relay.Setup(
        CALL, {"room": "7"}, setup()["accountSid"]
    )
    assert read(SetupMessage.model_validate({"callSid": CALL})) == relay.Setup(CALL)
    assert read(SetupMessage.model_validate({})) is None
    assert read(PromptMessage.model_validate(PROMPT)) == CallerSpoke("Hi")
    assert read(PromptMessage.model_validate({})) == CallerSpoke("")
    assert read(InterruptMessage.model_validate(INTERRUPT)) == CallerInterrupted(460)
    assert read(InterruptMessage.model_validate({})) == CallerInterrupted(None)


def test_it_reads_our_end_frame_and_its_text_frames_are_ours() -> None:
    handoff = '{"transfer": true}'
    assert (
        PendingHandoffData.model_validate_json(relay.end(handoff)).handoff_data
        == handoff
    )
    # tac/channels/voice/conversation_relay/provider.py sends these keys, and no others.
    its_text = {"type": "text", "token": "Hello", "last": True}
    assert frame_fault(its_text, TO_TWILIO) == ""
    assert json.loads(relay.text("Hello")) == its_text
