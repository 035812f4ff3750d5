"""The doctor's checks of Inworld: the key, each bot's voice and models, and speech."""

from collections.abc import Iterable, Iterator
from itertools import islice

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
TEST_WORD = "Yes."
# A word costs next to nothing, but a deployment may have hundreds of voices.
MAX_VOICES_TRIED = 5


def probe_inworld(bots: list[Bot], *, speech: bool) -> Iterator[Finding]:
    """Check that Inworld accepts the key and has what the active bots need."""
    if lacks_key():
        message = "No key, so it is not asked: with `serve` the sandbox answers."
        yield warning("Inworld", message)
        return
    try:
        voices = from_inworld(Voice, ask_once(Inworld.voices, ASK_SECONDS))
    except InworldError as error:
        yield failure("Inworld", operator_message(error), caller_hears=APOLOGY)
        return
    yield ok("Inworld", "It accepts INWORLD_API_KEY.")
    yield from _probe_voices(bots, {str(voice["id"]) for voice in voices})
    yield from _probe_models(bots)
    if speech:
        yield from _probe_speech(bots)


def _probe_voices(bots: Iterable[Bot], available: set[str]) -> Iterator[Finding]:
    missing = [bot for bot in bots if bot.tts_voice not in available]
    for bot in missing:
        alike = [name for name in available if name.lower() == bot.tts_voice.lower()]
        hint = f"Did you mean {alike[0]}?" if alike else "Choose another one."
        yield failure("Voices", f"{bot}: Inworld has no voice {bot.tts_voice}.", hint)
    if not missing:
        yield ok("Voices", "Inworld has the voice of every active bot.")


def _probe_models(bots: Iterable[Bot]) -> Iterator[Finding]:
    try:
        models = from_inworld(LanguageModel, ask_once(Inworld.models, ASK_SECONDS))
    except InworldError as error:
        yield warning("Models", operator_message(error))
        return
    available = {str(model["id"]) for model in models if model["is_supported"]}
    missing = [
        (bot, model)
        for bot in bots
        for model in (bot.llm_model, *config_of(bot).fallback_models)
        if model not in available
    ]
    for bot, model in missing:
        message = f"{bot}: {model} is not in Inworld's list; it may not answer."
        yield warning("Models", message)
    if not missing:
        yield ok("Models", "Inworld lists the models of every active bot.")


def _probe_speech(bots: Iterable[Bot]) -> Iterator[Finding]:
    requests = {speech_request(config_of(bot), TEST_WORD): bot for bot in bots}
    for request, bot in islice(requests.items(), MAX_VOICES_TRIED):
        try:
            seconds = _speak(request)
        except BadCredentials as error:
            yield failure(
                "Speech",
                f"The key may list voices but not speak: {operator_message(error)}",
                caller_hears=APOLOGY,
            )
            return
        except InworldError as error:
            yield failure(
                "Speech", f"{bot}, voice {request.voice}: {operator_message(error)}"
            )
        else:
            yield ok("Speech", f"{request.voice} said a word ({seconds:.1f} s long).")


def _speak(request: SpeechRequest) -> float:
    return ask_once(lambda inworld: inworld.speak(request), ASK_SECONDS).seconds
