"""What the doctor asks Inworld: the key, each bot's voice and models, one word."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.conf import settings

from bots.config.bot_config import Profile
from bots.inworld.api_key import lacks_key
from bots.inworld.catalogue_records import LanguageModel, Voice, described
from bots.inworld.client import Inworld, Voicing
from bots.inworld.errors import BadCredentials, InworldError
from bots.inworld.one_shot import ask, in_words
from bots.models import Bot
from calls.diagnostics.findings import APOLOGY, Finding, bad, doubtful, good
from calls.speech.inworld_requests import voicing

ASK_SECONDS = 15.0
WORD = "Yes."
# A word costs next to nothing, but a deployment may have hundreds of voices.
MOST_SPOKEN = 5


def of_inworld(bots: list[Bot], *, speech: bool) -> Iterator[Finding]:
    """Whether Inworld takes the key and has what the active bots need."""
    if lacks_key():
        words = "No key, so it is not asked: with `serve` the sandbox answers."
        yield doubtful("Inworld", words)
        return
    try:
        voices = described(Voice, ask(Inworld.voices, ASK_SECONDS))
    except InworldError as error:
        yield bad("Inworld", in_words(error), APOLOGY)
        return
    yield good("Inworld", "It takes INWORLD_API_KEY.")
    yield from _of_voices(bots, {str(voice["id"]) for voice in voices})
    yield from _of_models(bots)
    if speech:
        yield from _of_speech(bots)


def _of_voices(bots: Iterable[Bot], offered: set[str]) -> Iterator[Finding]:
    lost = [bot for bot in bots if bot.tts_voice not in offered]
    for bot in lost:
        alike = [name for name in offered if name.lower() == bot.tts_voice.lower()]
        hint = f"Did you mean {alike[0]}?" if alike else "Choose another in the desk."
        yield bad("Voices", f"{bot}: Inworld has no voice {bot.tts_voice}. {hint}")
    if not lost:
        yield good("Voices", "Inworld has the voice of every active bot.")


def _of_models(bots: Iterable[Bot]) -> Iterator[Finding]:
    try:
        listed = described(LanguageModel, ask(Inworld.models, ASK_SECONDS))
    except InworldError as error:
        yield doubtful("Models", in_words(error))
        return
    offered = {str(model["id"]) for model in listed if model["is_supported"]}
    complete = True
    for bot in bots:
        wanted = (bot.llm_model, *Profile.of(bot).fallback_models)
        for model in wanted:
            if model not in offered:
                complete = False
                words = f"{bot}: {model} is not in Inworld's list; it may not answer."
                yield doubtful("Models", words)
    if complete:
        yield good("Models", "Inworld lists the models of every active bot.")


def _of_speech(bots: Iterable[Bot]) -> Iterator[Finding]:
    rate = settings.CLIP_SAMPLE_RATE
    wanted = {voicing(Profile.of(bot), WORD, rate): bot for bot in bots}
    for spoken, bot in islice(wanted.items(), MOST_SPOKEN):
        try:
            seconds = _speak(spoken)
        except BadCredentials as error:
            words = f"The key may list voices but not speak: {in_words(error)}"
            yield bad("Speech", words, APOLOGY)
            return
        except InworldError as error:
            yield bad("Speech", f"{bot}, voice {spoken.voice}: {in_words(error)}")
        else:
            words = f"{spoken.voice} said a word ({seconds:.1f} s of sound)."
            yield good("Speech", words)


def _speak(spoken: Voicing) -> float:
    return ask(lambda inworld: inworld.speak(spoken), ASK_SECONDS).seconds
