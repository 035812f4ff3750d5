"""The doctor's checks of Inworld: the key, each bot's voice and models, and speech."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from time import monotonic

from django.conf import settings

from bots.config_builder import config_of
from bots.inworld.api_key import lacks_key
from bots.inworld.catalogue_records import LanguageModel, Voice, from_inworld
from bots.inworld.client import Inworld, ReplyRequest, SpeechRequest
from bots.inworld.errors import BadCredentials, InworldError
from bots.inworld.events import Audio, UnplayableAudio
from bots.inworld.one_shot import ask_once, operator_message
from bots.inworld.segments import Segmenter
from bots.models import Bot
from calls.conversation.actions import StartReply
from calls.diagnostics.findings import (
    APOLOGY,
    WRONG_SPEED,
    Finding,
    failure,
    ok,
    warning,
)
from calls.speech.inworld_requests import reply_request, speech_request
from calls.speech.segment_end import SegmentEnd, SpeakingRate
from calls.turns.messages import Message
from calls.turns.pace import USUAL, Pace

ASK_SECONDS = 15.0
TEST_WORD = "Yes."
TEST_SENTENCE = (
    "Thank you for calling. We are open from Monday to Friday, from early in the "
    "morning to late in the evening, and we look forward to seeing you."
)
TEST_QUESTION: Message = {
    "role": "user",
    "content": f"Say exactly this and nothing else: {TEST_SENTENCE}",
}
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
        yield from _probe_replies(bots)


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
    yield from _probe_temperatures(bots, map(LanguageModel.stored, models))


def _probe_temperatures(
    bots: Iterable[Bot], models: Iterable[LanguageModel]
) -> Iterator[Finding]:
    fixed = {model.id for model in models if not model.takes("temperature")}
    for bot in bots:
        if bot.temperature is not None and bot.llm_model in fixed:
            message = f"{bot}: {bot.llm_model} takes no temperature; it is not used."
            yield warning("Models", message, "Clear the field “Temperature”.")


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


def _probe_replies(bots: Iterable[Bot]) -> Iterator[Finding]:
    """Have each model speak; the pace of its speech shows a wrong sample rate."""
    configs = (config_of(bot) for bot in bots)
    asked = {(config.llm_model, config.tts_voice): config for config in configs}
    for (model, voice), config in islice(asked.items(), MAX_VOICES_TRIED):
        request = reply_request(config, StartReply(0, [TEST_QUESTION]))
        try:
            pace, waited, unplayable = ask_once(partial(_listen, request), ASK_SECONDS)
        except InworldError as error:
            yield failure("Replies", f"{model}: {operator_message(error)}")
            continue
        spoke = f"{model} with {voice}: first sound after {waited:.1f} s"
        if unplayable or not pace.seconds:
            reason = unplayable or "no speech came"
            message = f"{model} with {voice}: {reason}. Answers come later than usual."
            yield warning("Replies", message, "Their text is spoken in one piece.")
        elif pace.is_certain and not pace.is_plausible:
            yield _wrong_pace(f"{spoke}, {pace.seconds_per_word:.2f} s a word", pace)
        else:
            yield ok("Replies", f"{spoke}, {pace.seconds_per_word:.2f} s a word.")


async def _listen(request: ReplyRequest, inworld: Inworld) -> tuple[Pace, float, str]:
    """A reply's pace, the seconds until its first sound, why sound was unplayable."""
    policy = SegmentEnd(SpeakingRate(), settings.CLIP_MAX_SECONDS)
    segmenter = Segmenter(policy, settings.INWORLD_REPLY_SAMPLE_RATE)
    pace, began, waited, unplayable = Pace(), monotonic(), 0.0, ""
    async with inworld.reply(request) as events:
        async for event in events:
            if isinstance(event, Audio):
                waited = waited or monotonic() - began
            if isinstance(event, UnplayableAudio):
                unplayable = event.reason
            for segment in segmenter.feed(event, monotonic()):
                pace.add(segment.text, segment.pcm.seconds)
    return pace, waited, unplayable


def _wrong_pace(measured: str, pace: Pace) -> Finding:
    speed = "fast" if pace.seconds_per_word < USUAL else "slow"
    assumed = settings.INWORLD_REPLY_SAMPLE_RATE
    rate = pace.likely_rate(assumed)
    hint = (
        "Listen to a test call."
        if rate == assumed
        else f"Inworld's sound probably has {rate} samples a second, not {assumed}. "
        f"Set INWORLD_REPLY_SAMPLE_RATE={rate}, restart, and listen to a test call."
    )
    message = f"{measured}: much too {speed}."
    return failure("Replies", message, hint, caller_hears=WRONG_SPEED)
