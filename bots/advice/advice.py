"""Counts and remarks beside a bot's fields. Pure, and never a reason to refuse."""

import re
from collections.abc import Iterator, Mapping, Sequence

import bots.advice.actions as actions
import bots.advice.placeholders as blanks
import bots.advice.voices as sound
import bots.advice.wording as wording
from bots.advice.form import AvailableTools, Catalogue, Remark, joined, nearest
from bots.inworld.catalogue_records import LanguageModel

SPEECH_LIMIT = 2000  # characters in one request for speech
CHARACTERS_A_SECOND = 15
LONG_GREETING_SECONDS = 20
CHARACTERS_A_TOKEN = 4
LONG_PROMPT_TOKENS = 1500
# Reading the prompt anew, without the model's own cache: small hosted models read
# 10,000 to 20,000 tokens a second.
MS_A_THOUSAND_TOKENS = (50, 100)

SPOKEN = (
    *(
        "consent_message",
        "greeting",
        "idle_prompt",
        "time_limit_message",
        "goodbye_message",
    ),
    *("apology_message", "transfer_notice"),
)
READ = (
    *SPOKEN,
    *("system_prompt", "llm_model", "fallback_models", "tts_voice", "tts_model"),
    *("language", "transfer_number", "fillers", "variables", "time_zone"),
    *("dtmf_detection", "can_collect_digits"),
    *("hints", "summary_prompt", "outcomes", "summary_fields"),
)
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # a token a character


def counts(draft: Mapping[str, str]) -> dict[str, str]:
    """How long the texts are, by field: as characters, speech or tokens."""
    told = {name: _spoken_length(text) for name, text in _spoken(draft)}
    if prompt := draft.get("system_prompt", ""):
        words = f"{len(prompt):,} characters, about {tokens(prompt):,} tokens"
        told["system_prompt"] = words
    return told


def remarks(
    draft: Mapping[str, str], offer: Catalogue, kit: AvailableTools | None = None
) -> list[Remark]:
    """Everything worth saying about a bot as it stands in the form."""
    kit = kit or AvailableTools()
    voice, tts_model, language = (
        draft.get(name, "").strip() for name in ("tts_voice", "tts_model", "language")
    )
    return [
        *(
            remark
            for name, text in _spoken(draft)
            for remark in _aloud(name, text, draft)
        ),
        *_greeting(draft.get("greeting", "")),
        *_prompt(draft.get("system_prompt", "")),
        *_prompt_cost(draft, offer),
        *_models(draft, offer),
        *sound.of_voice("tts_voice", voice, language, offer.voices),
        *sound.of_model("tts_model", tts_model, language),
        *sound.of_language("language", language),
        *blanks.remarks(draft, kit),
        *actions.remarks(draft, offer, kit),
    ]


def tokens(text: str) -> int:
    """Roughly how many tokens a model reads in a text."""
    wide = len(WIDE.findall(text))
    return wide + -(-(len(text) - wide) // CHARACTERS_A_TOKEN)


def _spoken(draft: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in SPOKEN:
        if text := draft.get(name, "").strip():
            yield name, text


def _spoken_length(text: str) -> str:
    of = f" of {SPEECH_LIMIT:,}" if len(text) > SPEECH_LIMIT // 2 else ""
    seconds = max(1, round(len(text) / CHARACTERS_A_SECOND))
    return f"{len(text):,}{of} characters, about {seconds} s of speech"


def _aloud(name: str, text: str, draft: Mapping[str, str]) -> Iterator[Remark]:
    if len(text) > SPEECH_LIMIT:
        over = f"{len(text):,} characters: the voice takes {SPEECH_LIMIT:,} at once."
        yield Remark(name, f"{over} It cannot be saved like this.")
    if eye := list(wording.written_for_reading(text)):
        told = f"Has {joined(eye)}: the voice reads it sign by sign or leaves it out."
        yield Remark(name, told)
    if tags := wording.unknown_tags(text):
        named = ", ".join(f"<{wording.shown(tag)}>" for tag in tags[:3])
        yield Remark(
            name, f"The voice does not know {named}. It takes <break> and <verbatim>."
        )
    for limit in wording.breaks(text):
        yield Remark(name, f"Has {limit}.")
    model = draft.get("tts_model", "").strip()
    if words := wording.unfollowed_directions(text, model):
        named = wording.shown(words[0])
        told = (
            f"“[{named}]” may be read out: only {wording.STEERED} follows directions."
        )
        yield Remark(name, told)


def _greeting(greeting: str) -> Iterator[Remark]:
    seconds = len(greeting) / CHARACTERS_A_SECOND
    if seconds > LONG_GREETING_SECONDS and len(greeting) <= SPEECH_LIMIT:
        told = f"A caller listens for about {seconds:.0f} s before it is their turn."
        yield Remark("greeting", told, "hint")


def _prompt(prompt: str) -> Iterator[Remark]:
    if eye := list(wording.written_for_reading(prompt)):
        told = f"Has {joined(eye)}. Models write as they are written to, and what they"
        yield Remark("system_prompt", f"{told} write is spoken: use sentences.", "hint")
    if tags := wording.ssml_tags(prompt):
        named = ", ".join(f"<{tag}>" for tag in tags[:3])
        told = f"The voice does not know {named}. It takes <break> and <verbatim>."
        yield Remark("system_prompt", told)


def _prompt_cost(draft: Mapping[str, str], offer: Catalogue) -> Iterator[Remark]:
    length = tokens(draft.get("system_prompt", ""))
    model = _find(draft.get("llm_model", "").strip(), offer.models)
    if model and model.context and length > model.context:
        told = f"About {length:,} tokens: {model.id} reads {model.context:,} at most."
        yield Remark("system_prompt", told)
    elif length > LONG_PROMPT_TOKENS:
        least, most = (round(length * ms / 1000, -1) for ms in MS_A_THOUSAND_TOKENS)
        told = f"Long: reading it may delay each answer by {least:.0f} to {most:.0f} ms"
        if model and model.price_read:
            dollars = length * model.price_read / 1_000_000
            told += f" and costs about ${dollars:.4f}"
        yield Remark("system_prompt", f"{told}. A shorter one answers sooner.", "hint")


def _models(draft: Mapping[str, str], offer: Catalogue) -> Iterator[Remark]:
    first = draft.get("llm_model", "").strip()
    lines = (line.strip() for line in draft.get("fallback_models", "").splitlines())
    fallbacks = [line for line in lines if line]
    for name, model in [
        ("llm_model", first),
        *(("fallback_models", m) for m in fallbacks),
    ]:
        yield from _model(name, model, offer.models)
    if first in fallbacks:
        told = f"{wording.shown(first)} is the first model already."
        yield Remark("fallback_models", told)
    if not fallbacks:
        told = "None: when the model fails twice, callers hear the apology."
        yield Remark("fallback_models", told, "hint")


def _model(name: str, model: str, listed: Sequence[LanguageModel]) -> Iterator[Remark]:
    if not model or model == "auto" or not listed:
        return
    found = _find(model, listed)
    if found is None:
        told = f"{wording.shown(model)} is not, or no longer, in Inworld's list."
        yield Remark(name, told + _perhaps(model, [entry.id for entry in listed]))
    elif not found.is_supported:
        yield Remark(name, f"{found.id} is retired: Inworld no longer supports it.")


def _find(wanted: str, listed: Sequence[LanguageModel]) -> LanguageModel | None:
    return next((model for model in listed if model.id == wanted), None)


def _perhaps(wanted: str, ids: Sequence[str]) -> str:
    near = nearest(wanted, ids)
    return f" Did you mean {near}?" if near else ""
