"""Counts and remarks beside a bot's fields. They never prevent saving. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import bots.advice.capabilities as capabilities
import bots.advice.placeholders as placeholders
import bots.advice.recording as recording
import bots.advice.voices as voices
import bots.advice.wording as wording
from bots.advice.form import (
    Catalogue,
    FormContext,
    Remark,
    joined,
    not_listed,
    rows,
)
from bots.inworld.catalogue_records import LanguageModel

# On variables, each of which compares names: a limit for hostile forms.
MAX_REMARKS = 30
SPEECH_LIMIT = 2000  # characters in one request for speech
CHARACTERS_A_SECOND = 15
LONG_GREETING_SECONDS = 20
CHARACTERS_A_TOKEN = 4
LONG_PROMPT_TOKENS = 1500
# Without the model's prompt cache: small hosted models read 10,000 to 20,000 tokens a
# second.
MS_A_THOUSAND_TOKENS = (50, 100)

SPOKEN = (
    *("consent_message", "greeting", "idle_prompt", "time_limit_message"),
    *("goodbye_message", "apology_message", "transfer_notice", "reconnected"),
    *("line_lost", "busy_message", "closed_message", "take_message_prompt"),
    *("screening_prompt", "screening_accepted"),
    *("screening_prompt_without_summary", "screening_declined"),
)
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # a token a character


def counts(draft: Mapping[str, str]) -> dict[str, str]:
    """The length of the texts by field: characters, seconds of speech or tokens."""
    lengths = {name: _spoken_length(text) for name, text in _spoken(draft)}
    if prompt := draft.get("system_prompt", ""):
        lengths["system_prompt"] = (
            f"{len(prompt):,} characters, about {tokens(prompt):,} tokens "
            "(parts of words)"
        )
    return lengths


def remarks(
    draft: Mapping[str, str], inworld: Catalogue, context: FormContext | None = None
) -> list[Remark]:
    """List all remarks on a bot in the form."""
    context = context or FormContext()
    voice, tts_model, language = (
        draft.get(name, "").strip() for name in ("tts_voice", "tts_model", "language")
    )
    return [
        *(
            remark
            for name, text in _spoken(draft)
            for remark in _spoken_text(name, text, draft)
        ),
        *_greeting(draft.get("greeting", "")),
        *_prompt(draft.get("system_prompt", "")),
        *_prompt_cost(draft, inworld),
        *_models(draft, inworld),
        *voices.of_voice("tts_voice", voice, language, inworld.voices),
        *voices.of_model("tts_model", tts_model, language),
        *voices.of_language("language", language),
        *voices.of_sentences("language", language, lambda name: draft.get(name, "")),
        *voices.of_twilio(*(draft.get(name, "").strip() for name in voices.AT_TWILIO)),
        *islice(placeholders.remarks(draft, context), MAX_REMARKS),
        *capabilities.remarks(draft, inworld, context),
        *recording.remarks(draft),
    ]


def tokens(text: str) -> int:
    """Estimate the number of tokens in a text."""
    wide = len(WIDE.findall(text))
    return wide + -(-(len(text) - wide) // CHARACTERS_A_TOKEN)


def _spoken(draft: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in SPOKEN:
        if text := draft.get(name, "").strip():
            yield name, text
    for key in rows(draft, "menu_keys"):
        if key["action"] == "say" and (text := key["message"]):
            yield key.field("message"), text
    for row in rows(draft, "languages"):
        for name in SPOKEN:
            if text := row[name]:
                yield row.field(name), text


def _spoken_length(text: str) -> str:
    limit = f" of {SPEECH_LIMIT:,}" if len(text) > SPEECH_LIMIT // 2 else ""
    seconds = max(1, round(len(text) / CHARACTERS_A_SECOND))
    return f"{len(text):,}{limit} characters, about {seconds} s of speech"


def _spoken_text(name: str, text: str, draft: Mapping[str, str]) -> Iterator[Remark]:
    if len(text) > SPEECH_LIMIT:
        length = f"{len(text):,} characters: the voice takes {SPEECH_LIMIT:,} at most."
        yield Remark(name, f"{length} Shorten the text to save it.")
    if marks := list(wording.written_for_reading(text)):
        end = "the voice reads it character by character or leaves it out."
        yield Remark(name, f"Has {joined(marks)}: {end}")
    if tags := wording.unknown_tags(text):
        quoted = ", ".join(f"<{wording.shown(tag)}>" for tag in tags[:3])
        yield Remark(
            name, f"The voice does not know {quoted}. It knows <break> and <verbatim>."
        )
    for limit in wording.breaks(text):
        yield Remark(name, f"Has {limit}.")
    model = draft.get("tts_model", "").strip()
    if directions := wording.unfollowed_directions(text, model):
        quoted = wording.shown(directions[0])
        end = f"only {wording.STEERED} follows directions."
        yield Remark(name, f"“[{quoted}]” may be read out: {end}")


def _greeting(greeting: str) -> Iterator[Remark]:
    seconds = len(greeting) / CHARACTERS_A_SECOND
    if seconds > LONG_GREETING_SECONDS and len(greeting) <= SPEECH_LIMIT:
        text = f"Callers listen for about {seconds:.0f} s before they can speak."
        yield Remark("greeting", text, "hint")


def _prompt(prompt: str) -> Iterator[Remark]:
    if marks := list(wording.written_for_reading(prompt)):
        text = f"Has {joined(marks)}. Models copy the style of their instructions, and"
        text += " their answers are spoken: use plain sentences."
        yield Remark("system_prompt", text, "hint")
    if tags := wording.ssml_tags(prompt):
        quoted = ", ".join(f"<{tag}>" for tag in tags[:3])
        text = f"The voice does not know {quoted}. It knows <break> and <verbatim>."
        yield Remark("system_prompt", text)


def _prompt_cost(draft: Mapping[str, str], inworld: Catalogue) -> Iterator[Remark]:
    length = tokens(draft.get("system_prompt", ""))
    model = _find(draft.get("llm_model", "").strip(), inworld.models)
    if model and model.context and length > model.context:
        text = f"About {length:,} tokens: {model.id} reads {model.context:,} at most."
        yield Remark("system_prompt", text)
    elif length > LONG_PROMPT_TOKENS:
        least, most = (round(length * ms / 1000, -1) for ms in MS_A_THOUSAND_TOKENS)
        text = f"Long: reading it may delay each answer by {least:.0f} to {most:.0f} ms"
        if model and model.price_read:
            dollars = length * model.price_read / 1_000_000
            text += f" and costs about ${dollars:.4f}"
        yield Remark("system_prompt", f"{text}. A shorter text is faster.", "hint")


def _models(draft: Mapping[str, str], inworld: Catalogue) -> Iterator[Remark]:
    first = draft.get("llm_model", "").strip()
    lines = (line.strip() for line in draft.get("fallback_models", "").splitlines())
    fallbacks = [line for line in lines if line]
    yield from _model("llm_model", first, inworld.models)
    for model in fallbacks:
        yield from _model("fallback_models", model, inworld.models)
    if first in fallbacks:
        text = f"{wording.shown(first)} is already the AI model."
        yield Remark("fallback_models", text)
    if not fallbacks:
        text = "None: if the AI model fails twice, callers hear the apology."
        yield Remark("fallback_models", text, "hint")


def _model(name: str, model: str, listed: Sequence[LanguageModel]) -> Iterator[Remark]:
    if not model or model == "auto" or not listed:
        return
    entry = _find(model, listed)
    if entry is None:
        yield not_listed(name, model, listed)
    elif not entry.is_supported:
        yield Remark(name, f"{entry.id} is retired: Inworld no longer supports it.")


def _find(model_id: str, listed: Sequence[LanguageModel]) -> LanguageModel | None:
    return next((model for model in listed if model.id == model_id), None)
