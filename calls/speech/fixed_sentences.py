"""Sentences that are the same in every call of a bot, and the voices that say them."""

from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest

from bots.config.bot_config import BotConfig
from bots.config.placeholders import names
from bots.inworld.client import SpeechRequest
from calls.speech.inworld_requests import speech_request, speech_requests

# Spoken to learn if Inworld takes a voice; it costs next to nothing.
TEST_WORD = "Yes."


def fixed_sentences(configs: Iterable[BotConfig]) -> list[SpeechRequest]:
    """Requests for the fixed sentences of all bots, each once, the most urgent first.

    The first sentence of each bot comes before the second of any, and further languages
    come last. Sentences with placeholders differ in each call, so they are left out.
    """
    configs = list(configs)
    own = zip_longest(*map(_in_first_language, configs))
    others = zip_longest(*map(_in_other_languages, configs))
    requests = chain.from_iterable(chain(own, others))
    return list(dict.fromkeys(filter(None, requests)))


def voice_tests(config: BotConfig) -> list[SpeechRequest]:
    """A request for a word in each voice and language of a bot."""
    spoken = (config, *_other_languages(config))
    return list(dict.fromkeys(speech_request(each, TEST_WORD) for each in spoken))


def _in_first_language(config: BotConfig) -> list[SpeechRequest]:
    return speech_requests(config, (*config.opening_sentences, *_sentences(config)))


def _in_other_languages(config: BotConfig) -> list[SpeechRequest]:
    return [
        request
        for other in _other_languages(config)
        for request in speech_requests(other, _sentences(other))
    ]


def _sentences(config: BotConfig) -> tuple[str, ...]:
    reconnected = () if names(config.reconnected) else (config.reconnected,)
    return *config.fixed_sentences, *reconnected


def _other_languages(config: BotConfig) -> Iterator[BotConfig]:
    return map(config.in_language, config.other_languages)
