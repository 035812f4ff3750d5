"""Remarks on voices, voice models and languages. Pure."""

from collections.abc import Iterator, Sequence

from bots.advice.form import Remark, nearest
from bots.advice.iso_639 import ISO_639_1
from bots.advice.wording import shown
from bots.inworld.catalogue_records import Voice

TTS_MODELS = frozenset(
    (
        "inworld-tts-2",
        "inworld-tts-2-flash",
        "inworld-tts-1.5-max",
        "inworld-tts-1.5-mini",
    )
)
RETIRED_TTS_MODELS = frozenset(("inworld-tts-1", "inworld-tts-1-max"))
LANGUAGES_OF_1_5 = {
    *("en", "zh", "ja", "ko", "ru", "it", "es", "pt"),
    *("fr", "de", "pl", "nl", "hi", "he", "ar"),
}


def of_voice(
    field: str, wanted: str, language: str, listed: Sequence[Voice]
) -> Iterator[Remark]:
    """Whether Inworld has a voice, and whether it speaks the language."""
    if not wanted or not listed:
        return
    voice = next((entry for entry in listed if entry.id == wanted), None)
    if voice is None:
        told = f"{shown(wanted)} is not, or no longer, in Inworld's list."
        near = nearest(wanted, [entry.id for entry in listed])
        yield Remark(field, told + (f" Did you mean {near}?" if near else ""))
        return
    spoken = {tag.split("-")[0] for tag in voice.languages}
    if language and spoken and _first(language) not in spoken:
        told = f"{voice.id} is a voice for {', '.join(voice.languages)}, and the bot"
        yield Remark(field, f"{told} speaks {language}: expect an accent.")


def of_model(field: str, model: str, language: str) -> Iterator[Remark]:
    """Whether a voice model is known, and speaks the language."""
    if model in RETIRED_TTS_MODELS:
        yield Remark(field, f"{model} is retired. Take inworld-tts-2.")
    elif model and model not in TTS_MODELS:
        told = f"{shown(model)} is none of the models known here: "
        yield Remark(field, told + ", ".join(sorted(TTS_MODELS)) + ".", "hint")
    elif "1.5" in model and _first(language) not in LANGUAGES_OF_1_5:
        yield Remark(field, f"{model} does not speak {shown(language)}.")


def of_language(field: str, tag: str) -> Iterator[Remark]:
    """Whether there is such a language."""
    first = tag.split("-")[0]
    if len(first) == 2 and first.lower() not in ISO_639_1:
        told = f"There is no language “{shown(first)}”. English is en-US or"
        yield Remark(field, f"{told} en-GB, German de-DE, Japanese ja-JP.")


def _first(language: str) -> str:
    return language.split("-")[0].lower()
