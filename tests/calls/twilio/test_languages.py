"""The <Language> elements of a bot with several languages."""

from dataclasses import replace

import pytest

from bots.config.capabilities import Language
from bots.config_builder import config_of
from bots.models import Bot
from calls.simulator.twiml import Relay, read_twiml
from calls.twilio import twiml


def declared(
    *languages: Language, **settings: object
) -> list[tuple[str, str, str, str]]:
    """Each language with its providers and its speech model."""
    config = replace(config_of(Bot(**settings)), languages=languages)
    return [
        (
            attributes["code"],
            attributes["ttsProvider"],
            attributes["transcriptionProvider"],
            attributes["speechModel"],
        )
        for attributes in twiml.languages(config)
    ]


def test_a_bot_of_one_language_declares_none() -> None:
    assert declared() == []
    assert declared(Language("en-US", "Ashley")) == []


def test_each_language_is_understood_by_the_best_model_it_has() -> None:
    languages = (
        Language("de-DE", "Johanna"),
        Language("pl-PL", "Wojciech"),
        Language("fr-FR", "Étienne", transcription_provider="Google"),
        Language("es-ES", "Diego", speech_model="flux"),
    )
    assert declared(*languages) == [
        ("en-US", "Google", "Deepgram", "nova-3-general"),
        ("de-DE", "Google", "Deepgram", "nova-3-general"),
        ("es-ES", "Google", "Deepgram", "flux"),
        ("fr-FR", "Google", "Google", "telephony"),
        ("pl-PL", "Google", "Deepgram", "nova-2-general"),
    ]


@pytest.mark.parametrize(
    ("provider", "model", "used"),
    [("Google", "nova-3-general", "telephony"), ("Deepgram", "long", "nova-3-general")],
)
def test_a_speech_model_of_another_provider_is_never_sent(
    provider: str, model: str, used: str
) -> None:
    bot = {"transcription_provider": provider, "speech_model": model}
    assert declared(Language("de-DE", "Johanna", speech_model=model), **bot) == [
        ("en-US", "Google", provider, used),
        ("de-DE", "Google", provider, used),
    ]


def test_the_simulator_reads_the_declared_languages() -> None:
    config = replace(config_of(Bot()), languages=(Language("de-DE", "Johanna"),))
    document = twiml.relay(config, socket_url="wss://x/", action_url="https://x/")
    (relay,) = read_twiml(document, "https://x/")
    assert isinstance(relay, Relay)
    assert relay.languages == {"en-US", "de-DE"}
    assert (relay.knows("de-DE"), relay.knows("fr-FR")) == (True, False)
