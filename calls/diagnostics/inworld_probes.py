"""What the doctor asks Inworld: the key, each bot's voice and models, one word."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.conf import settings

from bots.config_builder import config_of
from bots.inworld.api_key import lacks_key
from bots.inworld.catalogue_records import LanguageModel, Voice, from_inworld
from bots.inworld.client import Inworld, SpeechRequest
from bots.inworld.errors import BadCredentials, InworldError
from bots.inworld.one_shot import ask_once, operator_message
from bots.models import Bot
from calls.diagnostics.findings import APOLOGY, Finding, failure, ok, warning
from calls.speech.inworld_requests import speech_request

ASK_SECONDS = 15.0
WORD = "Yes."
# A word costs next to nothing, but a deployment may have hundreds of voices.
MAX_VOICES_TRIED = 5


def of_inworld(bots: list[Bot], *, speech: bool) -> Iterator[Finding]:
    """Whether Inworld takes the key and has what the active bots need."""
    if lacks_key():
        words = "No key, so it is not asked: with `serve` the sandbox answers."
        yield warning("Inworld", words)
        return
    try:
        voices = from_inworld(Voice, ask_once(Inworld.voices, ASK_SECONDS))
    except InworldError as error:
        yield failure("Inworld", operator_message(error), APOLOGY)
        return
    yield ok("Inworld", "It takes INWORLD_API_KEY.")
    yield from _of_voices(bots, {str(voice["id"]) for voice in voices})
    yield from _of_models(bots)
    if speech:
        yield from _of_speech(bots)


def _of_voices(bots: Iterable[Bot], offered: set[str]) -> Iterator[Finding]:
    lost = [bot for bot in bots if bot.tts_voice not in offered]
    for bot in lost:
        alike = [name for name in offered if name.lower() == bot.tts_voice.lower()]
        hint = f"Did you mean {alike[0]}?" if alike else "Choose another in the desk."
        yield failure("Voices", f"{bot}: Inworld has no voice {bot.tts_voice}. {hint}")
    if not lost:
        yield ok("Voices", "Inworld has the voice of every active bot.")


def _of_models(bots: Iterable[Bot]) -> Iterator[Finding]:
    try:
        listed = from_inworld(LanguageModel, ask_once(Inworld.models, ASK_SECONDS))
    except InworldError as error:
        yield warning("Models", operator_message(error))
        return
    offered = {str(model["id"]) for model in listed if model["is_supported"]}
    complete = True
    for bot in bots:
        wanted = (bot.llm_model, *config_of(bot).fallback_models)
        for model in wanted:
            if model not in offered:
                complete = False
                words = f"{bot}: {model} is not in Inworld's list; it may not answer."
                yield warning("Models", words)
    if complete:
        yield ok("Models", "Inworld lists the models of every active bot.")


def _of_speech(bots: Iterable[Bot]) -> Iterator[Finding]:
    rate = settings.CLIP_SAMPLE_RATE
    wanted = {speech_request(config_of(bot), WORD, rate): bot for bot in bots}
    for spoken, bot in islice(wanted.items(), MAX_VOICES_TRIED):
        try:
            seconds = _speak(spoken)
        except BadCredentials as error:
            words = f"The key may list voices but not speak: {operator_message(error)}"
            yield failure("Speech", words, APOLOGY)
            return
        except InworldError as error:
            yield failure(
                "Speech", f"{bot}, voice {spoken.voice}: {operator_message(error)}"
            )
        else:
            words = f"{spoken.voice} said a word ({seconds:.1f} s of sound)."
            yield ok("Speech", words)


def _speak(spoken: SpeechRequest) -> float:
    return ask_once(lambda inworld: inworld.speak(spoken), ASK_SECONDS).seconds
