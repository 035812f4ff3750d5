"""The voices and models that the sandbox lists: a few of Inworld's, by name."""

import re
from zlib import crc32

Record = dict[str, object]

# voice id, locale, gender, description
_VOICES = [
    ("Alex", "en-US", "male", "Energetic mid-range voice, slightly nasal"),
    ("Ashley", "en-US", "female", "Warm, natural voice"),
    ("Clive", "en-GB", "male", "British voice, calm and cordial"),
    ("Deborah", "en-US", "female", "Gentle, elegant voice"),
    ("Dennis", "en-US", "male", "Smooth, calm and friendly voice"),
    ("Diego", "es-ES", "male", "Spanish voice, soothing"),
    ("Étienne", "fr-FR", "male", "French voice, composed"),
    ("Hélène", "fr-FR", "female", "French voice, clear and mature"),
    ("Johanna", "de-DE", "female", "German voice, calm, slightly low"),
    ("Josef", "de-DE", "male", "German voice, articulate"),
    ("Lupita", "es-ES", "female", "Spanish voice, lively"),
    ("Mark", "en-US", "male", "Quick, expressive voice"),
    ("Olivia", "en-GB", "female", "British voice, upbeat and friendly"),
    ("Sarah", "en-US", "female", "Fast, inquisitive young voice"),
]

# provider, model, vendor, dollars per token in and out, context length
_MODELS = [
    ("openai", "gpt-4.1-mini", "OpenAI", 4e-7, 1.6e-6, 1_047_576),
    ("openai", "gpt-5.4-mini", "OpenAI", 2.5e-7, 2e-6, 400_000),
    ("openai", "gpt-4o", "OpenAI", 2.5e-6, 1e-5, 128_000),
    ("google-ai-studio", "gemini-2.5-flash", "Google", 3e-7, 2.5e-6, 1_048_576),
    ("anthropic", "claude-haiku-4-5", "Anthropic", 1e-6, 5e-6, 200_000),
    ("inworld", "models/gemma-4-26b-a4b-it", "Google", 1e-7, 4e-7, 131_072),
    ("openai", "gpt-3.5-turbo", "OpenAI", 5e-7, 1.5e-6, 16_385),
]
_RETIRED = {"gpt-3.5-turbo"}
_PARAMETERS = ("max_completion_tokens", "max_tokens", "temperature", "tools", "top_p")
# Reasoning models refuse these.
_REFUSED = {"gpt-5.4-mini": {"max_tokens", "temperature", "top_p"}}


def _voice(voice_id: str, locale: str, gender: str, description: str) -> Record:
    return {
        "name": f"workspaces/inworld/voices/{voice_id}",
        "voiceId": voice_id,
        "langCode": locale.replace("-", "_").upper(),
        "displayName": voice_id,
        "description": f"{description} (in the sandbox: a plain computer voice)",
        "tags": [],
        "categories": [],
        "source": "SYSTEM",
        "gender": gender,
        "ageGroup": "middle_aged",
        "promptLanguages": [locale],
    }


def _model(
    provider: str,
    model: str,
    vendor: str,
    prompt: float,
    completion: float,
    length: int,
) -> Record:
    return {
        "model": model,
        "provider": provider,
        "modelCreator": vendor,
        "pricing": {"prompt": prompt, "completion": completion},
        "spec": {
            "inputModalities": ["text"],
            "outputModalities": ["text"],
            "contextLength": length,
            "supportedParameters": [
                name for name in _PARAMETERS if name not in _REFUSED.get(model, ())
            ],
            "capabilities": {"functionCalling": True, "reasoning": False},
        },
        "isSupported": model not in _RETIRED,
    }


VOICES = [_voice(*row) for row in _VOICES]
MODELS = [_model(*row) for row in _MODELS]


def refused_parameters(model_id: str) -> set[str]:
    """The parameters that a model, named as in requests, refuses."""
    return _REFUSED.get(model_id.rpartition("/")[2], set())


def accent(voice_id: str) -> tuple[str, str]:
    """Locale and gender of a voice; a voice not listed, such as a clone, gets some."""
    for listed_id, locale, gender, _ in _VOICES:
        if listed_id == voice_id:
            return locale, gender
    return "en-US", "female" if crc32(voice_id.encode(errors="replace")) % 2 else "male"


def page_of_voices(filter_text: str, size: int, token: str) -> Record:
    """One page of the voices. Raises ValueError for an unknown page token."""
    language = re.search(r'lang_?code\s*=\s*"([\w-]+)"', filter_text, re.IGNORECASE)
    prefix = language[1].replace("-", "_").upper() if language else ""
    voices = [v for v in VOICES if str(v["langCode"]).startswith(prefix)]
    if token:
        page, size = (int(number) for number in token.split("-"))
    else:
        page, size = 0, size or len(voices) or 1
    if page < 0 or size < 1:
        raise ValueError(token)
    rest = voices[(page + 1) * size :]
    return {
        "voices": voices[page * size : (page + 1) * size],
        "totalSize": len(voices),
        "nextPageToken": f"{page + 1}-{size}" if rest else "",
    }
