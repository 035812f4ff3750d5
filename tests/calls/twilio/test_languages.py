"""The <Language> elements of a bot with several languages, and switching between."""

import json
from dataclasses import replace
from xml.etree import ElementTree

from bots.config.capabilities import Language
from bots.config_builder import config_of
from bots.models import Bot
from calls.simulator.twiml import Relay, read_twiml
from calls.twilio import relay, twiml


def declared(*languages: Language, **settings: object) -> dict[str, dict[str, str]]:
    """The attributes of each language by its code."""
    config = replace(config_of(Bot(**settings)), languages=languages)
    return {each.pop("code"): each for each in twiml.languages(config)}


def test_a_bot_of_one_language_declares_none() -> None:
    assert declared() == {}
    assert declared(Language("en-US", "Ashley")) == {}


def test_each_language_has_its_providers_and_a_voice() -> None:
    languages = (
        Language("de-DE", "Johanna", backup_voice="de-DE-Neural2-F"),
        Language("uk-UA", "Oksana"),
        Language("fr-FR", "Étienne", transcription_provider="Google"),
        Language("es-ES", "Diego", speech_model="flux"),
    )
    assert declared(*languages) == {
        "en-US": {
            "ttsProvider": "Google",
            "voice": "en-US-Chirp3-HD-Aoede",
            "transcriptionProvider": "Deepgram",
        },
        "de-DE": {
            "ttsProvider": "Google",
            "voice": "de-DE-Neural2-F",
            "transcriptionProvider": "Deepgram",
        },
        "uk-UA": {"ttsProvider": "Google", "transcriptionProvider": "Deepgram"},
        "fr-FR": {
            "ttsProvider": "Google",
            "voice": "fr-FR-Chirp3-HD-Aoede",
            "transcriptionProvider": "Google",
        },
        "es-ES": {
            "ttsProvider": "Google",
            "voice": "es-ES-Chirp3-HD-Aoede",
            "transcriptionProvider": "Deepgram",
            "speechModel": "flux",
        },
    }


def test_a_speech_model_of_another_provider_is_never_sent() -> None:
    """A language without a provider uses the bot's, which may have changed."""
    german = Language("de-DE", "Johanna", speech_model="nova-3-general")
    assert declared(german)["de-DE"]["speechModel"] == "nova-3-general"
    at_google = declared(german, transcription_provider="Google")
    assert "speechModel" not in at_google["de-DE"]


def test_no_language_inherits_the_voice_or_the_model_of_another() -> None:
    """Twilio takes missing attributes of <Language> from <ConversationRelay>."""
    bot = Bot(hints="Acme", speech_model="flux-general-en")
    config = replace(config_of(bot), languages=(Language("uk-UA", "Oksana"),))
    document = twiml.relay(config, socket_url="wss://x/", action_url="https://x/")
    (relay,) = ElementTree.fromstring(document).iter("ConversationRelay")
    assert not {"voice", "speechModel", "hints"} & relay.attrib.keys()
    english, ukrainian = relay.findall("Language")
    assert english.attrib["speechModel"] == "flux-general-en"
    assert not {"voice", "speechModel"} & ukrainian.attrib.keys()


def test_each_language_has_its_own_hints_or_those_of_the_bot() -> None:
    german = Language("de-DE", "Johanna", hints="Müller\nGroß-Gerau")
    hints = {
        code: each["hints"]
        for code, each in declared(
            german, Language("fr-FR", "Alain"), hints="Acme"
        ).items()
    }
    assert hints == {"en-US": "Acme", "de-DE": "Müller, Groß-Gerau", "fr-FR": "Acme"}


def test_both_tags_are_declared_if_speech_has_another_one_than_recognition() -> None:
    """Twilio validates speech and recognition separately, and both name a code."""
    seen = declared(Language("zh-CN", "Mei", hints="上海"))
    assert seen["zh-CN"] == {"transcriptionProvider": "Deepgram", "hints": "上海"}
    voice = "cmn-CN-Chirp3-HD-Aoede"
    assert seen["cmn-CN"] == {"ttsProvider": "Google", "voice": voice}


def test_the_switch_names_the_tags_that_were_declared() -> None:
    config = replace(config_of(Bot()), languages=(Language("no-NO", "Kari"),))
    (document,) = read_twiml(
        twiml.relay(config, socket_url="wss://x/", action_url="https://x/"), "https://x"
    )
    assert isinstance(document, Relay)
    assert document.languages == {"en-US", "no-NO", "nb-NO"}
    norwegian = config.in_language("no-NO")
    frame = json.loads(
        relay.language(
            speech=norwegian.twilio_language, transcription=norwegian.language
        )
    )
    assert frame == {
        "type": "language",
        "ttsLanguage": "nb-NO",
        "transcriptionLanguage": "no-NO",
    }
    assert all(document.knows(tag) for tag in ("nb-NO", "no-NO", "en-US"))
    assert not document.knows("fr-FR")
