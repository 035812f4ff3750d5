"""The attributes of <ConversationRelay> and <Say>."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from bots.config.backup_voices import VOICES, language_of
from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language
from bots.config.phrasebook import find_phrasebook, phrasebook
from bots.config_builder import config_of
from bots.models import Bot
from calls.simulator.twiml import Relay, read_twiml
from calls.transfer import Transfer
from calls.twilio import twiml


def relay(config: BotConfig, *, reduced: bool = False) -> Relay:
    document = twiml.relay(
        config,
        socket_url="wss://x/",
        action_url="https://x/action",
        parameters={"room": "7"},
        reduced=reduced,
    )
    (verb,) = read_twiml(document, "https://x/")
    assert isinstance(verb, Relay)
    return verb


def attributes(**settings: Any) -> dict[str, str]:
    return relay(config_of(Bot(**settings))).attributes


def said(document: str) -> list[tuple[str | None, str | None]]:
    """The voice and the language of every sentence in a document."""
    verbs = ElementTree.fromstring(document).iter("Say")
    return [(verb.get("voice"), verb.get("language")) for verb in verbs]


def test_a_speech_model_is_sent_only_if_the_operator_named_one() -> None:
    assert "speechModel" not in attributes()
    assert "speechModel" not in attributes(language="he-IL")
    assert attributes(speech_model="nova-3-medical")["speechModel"] == "nova-3-medical"


@pytest.mark.parametrize(
    ("provider", "model", "language"),
    [
        ("Google", "nova-3-general", "en-US"),
        ("Deepgram", "long", "en-US"),
        ("Deepgram", "nova-2-general", "he-IL"),
        ("Deepgram", "flux-general-en", "de-DE"),
    ],
)
def test_a_speech_model_that_cannot_work_is_never_sent(
    provider: str, model: str, language: str
) -> None:
    bot = {"transcription_provider": provider, "speech_model": model}
    assert "speechModel" not in attributes(**bot, language=language)


def test_twilio_speaks_with_a_voice_of_the_language() -> None:
    german = attributes(language="de-DE")
    assert german["voice"] == "de-DE-Chirp3-HD-Aoede"
    assert "ttsLanguage" not in german
    chosen = attributes(language="de-DE", backup_voice="de-DE-Neural2-F")
    assert chosen["voice"] == "de-DE-Neural2-F"
    assert not {"voice", "ttsLanguage"} & attributes(language="uk-UA").keys()


@pytest.mark.parametrize(
    ("language", "at_google"),
    [("ar-SA", "ar-XA"), ("no-NO", "nb-NO"), ("zh-CN", "cmn-CN"), ("de-AT", "de-DE")],
)
def test_speech_has_googles_tag_and_recognition_keeps_ours(
    language: str, at_google: str
) -> None:
    document = relay(config_of(Bot(language=language)))
    assert document.attributes["voice"].startswith(f"{at_google}-")
    assert (document.tts_language, document.language) == (at_google, language)


def test_echoes_of_the_bot_are_filtered_unless_the_operator_objects() -> None:
    assert attributes()["echoPromptFiltering"] == "true"
    assert attributes(echo_filter=False)["echoPromptFiltering"] == "false"


def test_words_are_reported_before_they_are_final() -> None:
    asked = attributes()
    assert (asked["partialPrompts"], asked["partialPromptOnHangup"]) == ("true", "true")


def test_hints_are_separated_by_commas_however_they_were_written() -> None:
    assert attributes(hints=" Acme,\r\nDr. Who\n,")["hints"] == "Acme, Dr. Who"
    assert "hints" not in attributes(hints=" \n")


def test_a_reduced_document_has_only_the_attributes_that_a_call_needs() -> None:
    """Twilio refused the settings of the bot; each attribute may be the reason."""
    bot = Bot(language="ar-SA", hints="Acme", speech_model="nova-3-general")
    config = replace(config_of(bot), languages=(Language("de-DE", "Johanna"),))
    document = relay(config, reduced=True)
    assert document.attributes == {
        "url": "wss://x/",
        "language": "ar-SA",
        "ttsLanguage": "ar-XA",
        "ttsProvider": "Google",
        "transcriptionProvider": "Deepgram",
        "dtmfDetection": "true",
    }
    assert document.languages == frozenset()
    assert (document.action, document.parameters) == ("https://x/action", {"room": "7"})


def test_a_reduced_document_of_a_bot_without_keys_asks_for_none() -> None:
    config = config_of(Bot(dtmf_detection=False))
    assert "dtmfDetection" not in relay(config, reduced=True).attributes


GERMAN = ("Google.de-DE-Chirp3-HD-Aoede", "de-DE")
CHOSEN = ("Google.de-DE-Neural2-F", "de-DE")


def test_every_sentence_of_a_document_has_a_voice_of_its_language() -> None:
    voice = "de-DE-Neural2-F"
    transfer = Transfer("Sales", "+15005550042", language="de-DE")
    assert said(twiml.say_and_hang_up("Hallo", "de-AT")) == [GERMAN]
    assert said(twiml.say_and_hang_up("Hallo", "de-DE", voice)) == [CHOSEN]
    blind = twiml.transfer_blind(
        "+15005550042",
        ring_seconds=20,
        caller_id="",
        message="Hallo",
        language="de-DE",
        voice=voice,
    )
    assert said(blind) == [CHOSEN]
    asked = {"accept_url": "https://x/", "announcement": "Ein Anruf."}
    gather = twiml.screening_gather(transfer, **asked, voice=voice)
    assert said(gather) == [CHOSEN, CHOSEN]
    assert said(twiml.screening_gather(transfer, **asked)) == [GERMAN] * 2
    assert said(twiml.screening_accepted("Verbunden.", "de-DE", voice)) == [CHOSEN]


def test_twilio_chooses_the_voice_of_a_language_that_we_do_not_know() -> None:
    assert said(twiml.say_and_hang_up("Добрий день", "uk-UA")) == [(None, "uk-UA")]


@pytest.mark.parametrize("voice", VOICES)
def test_a_voice_of_twilio_has_sentences_in_its_language(voice: str) -> None:
    language = language_of(voice)
    book = find_phrasebook(language)
    assert book
    assert (book == phrasebook("en")) == language.startswith("en-")
    assert attributes(language=language)["voice"] == voice
