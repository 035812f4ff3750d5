"""The attributes of <ConversationRelay>."""

from dataclasses import replace

from bots.config.bot_config import BotConfig
from bots.config.capabilities import Language
from bots.config_builder import config_of
from bots.models import Bot
from calls.simulator.twiml import Relay, read_twiml
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


def test_a_reduced_document_has_only_the_attributes_that_a_call_needs() -> None:
    """Twilio refused the settings of the bot; each attribute may be the reason."""
    bot = Bot(language="fr-FR", hints="Acme", speech_model="nova-3-general")
    config = replace(config_of(bot), languages=(Language("de-DE", "Johanna"),))
    document = relay(config, reduced=True)
    assert document.attributes == {
        "url": "wss://x/",
        "language": "fr-FR",
        "ttsProvider": "Google",
        "transcriptionProvider": "Deepgram",
        "dtmfDetection": "true",
    }
    assert document.languages == frozenset()
    assert (document.action, document.parameters) == ("https://x/action", {"room": "7"})


def test_a_reduced_document_of_a_bot_without_keys_asks_for_none() -> None:
    config = config_of(Bot(dtmf_detection=False))
    assert "dtmfDetection" not in relay(config, reduced=True).attributes
