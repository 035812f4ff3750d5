"""Remarks on voices, voice models and languages. Pure."""

from collections.abc import Callable, Iterator, Sequence

from bots.advice.form import Remark, not_listed
from bots.advice.iso_639 import ISO_639_1
from bots.advice.wording import shown
from bots.config import backup_voices, speech_recognition
from bots.config.language_tags import primary
from bots.config.phrasebook import NAMES, find_phrasebook, phrasebook
from bots.inworld.catalogue_records import Voice

# Fields that Twilio combines.
AT_TWILIO = ("language", "transcription_provider", "speech_model", "backup_voice")
TTS_MODELS = {
    *("inworld-tts-2", "inworld-tts-2-flash"),
    *("inworld-tts-1.5-max", "inworld-tts-1.5-mini"),
}
RETIRED_TTS_MODELS = {"inworld-tts-1", "inworld-tts-1-max"}
LANGUAGES_OF_1_5 = {
    *("en", "zh", "ja", "ko", "ru", "it", "es", "pt"),
    *("fr", "de", "pl", "nl", "hi", "he", "ar"),
}


def of_voice(
    field: str, voice_id: str, language: str, listed: Sequence[Voice]
) -> Iterator[Remark]:
    """Check that Inworld has the voice, and that it speaks the language."""
    if not voice_id or not listed:
        return
    voice = next((voice for voice in listed if voice.id == voice_id), None)
    if voice is None:
        yield not_listed(field, voice_id, listed)
        return
    spoken = {primary(tag) for tag in voice.languages}
    if language and spoken and primary(language) not in spoken:
        text = f"{voice.id} is a voice for {', '.join(voice.languages)}, but the bot"
        yield Remark(field, f"{text} speaks {language}: expect an accent.")


def of_model(field: str, model: str, language: str) -> Iterator[Remark]:
    """Check that the voice model is known, and that it speaks the language."""
    if model in RETIRED_TTS_MODELS:
        yield Remark(field, f"{model} is retired. Use inworld-tts-2.")
    elif model and model not in TTS_MODELS:
        models = ", ".join(sorted(TTS_MODELS))
        text = f"{shown(model)} is not one of the known models: {models}."
        yield Remark(field, text, "hint")
    elif "1.5" in model and primary(language) not in LANGUAGES_OF_1_5:
        yield Remark(field, f"{model} does not speak {shown(language)}.")


def of_language(field: str, tag: str) -> Iterator[Remark]:
    """Check that the language exists."""
    first = tag.split("-")[0]
    if len(first) == 2 and first.lower() not in ISO_639_1:
        text = f"There is no language “{shown(first)}”. English is en-US or"
        yield Remark(field, f"{text} en-GB, German de-DE, Japanese ja-JP.")


def of_sentences(field: str, tag: str, own: Callable[[str], str]) -> Iterator[Remark]:
    """Tell which standard sentences callers hear in English; `own` reads a field."""
    if not tag or find_phrasebook(tag):
        return
    missing = [name for name in NAMES if not own(name).strip()]
    if missing:
        text = f"We have no standard sentences in {shown(tag)}: callers hear "
        text += f"{len(missing)} of {len(NAMES)} in English, such as "
        text += f"“{getattr(phrasebook('en'), missing[0])}”. Write your own:"
        yield Remark(field, f"{text} most of them are under Fixed sentences.")


def of_twilio(
    language: str, provider: str, speech_model: str, backup_voice: str
) -> Iterator[Remark]:
    """Check that Twilio understands the language, and can speak it."""
    if not language:
        return
    if problem := speech_recognition.refusal(speech_model, provider, language):
        yield Remark("speech_model", problem)
    elif problem := speech_recognition.doubt(speech_model, provider, language):
        yield Remark("transcription_provider", problem)
    if backup_voice and not backup_voices.speaks(backup_voice, language):
        text = f"{shown(backup_voice)} does not speak {shown(language)}."
        yield Remark("backup_voice", text)
    if not backup_voice and not backup_voices.backup_voice(language):
        text = f"We know no voice of Twilio that speaks {shown(language)}. Look for a"
        yield Remark("backup_voice", f"{text} Google voice in Twilio's documentation.")
