"""The groups of the bot editor, in the order one thinks about a bot."""

from typing import Any

SELDOM = ["collapse"]  # closed until opened, or until something in it is wrong

Section = tuple[str, Any]  # a heading and the options of the admin


def section(
    name: str, description: str, *fields: str, classes: list[str] | None = None
) -> Section:
    """A group with a heading and a sentence of help."""
    options = {"description": description, "fields": list(fields)}
    return name, {**options, "classes": classes or []}


SECTIONS: tuple[Section, ...] = (
    section(
        "Who it is",
        "Its name in this desk, and whether it answers calls.",
        *("name", "is_active", "is_default"),
    ),
    section(
        "What it says",
        "The first sentence, and the instructions for the rest.",
        *("greeting", "system_prompt"),
    ),
    section(
        "People's data",
        "What callers are told first, and how long their calls are kept.",
        *("consent", "retention_days"),
    ),
    section(
        "Voice",
        "What the answers sound like. Listen plays the greeting above, saved or not.",
        *("tts_voice", "tts_model", "quick_start"),
    ),
    section(
        "Brain",
        "The language model that writes the answers.",
        *("llm_model", "fallback_models", "max_reply_tokens", "temperature"),
    ),
    section(
        "Listening",
        "How the caller's words are turned into text.",
        *("language", "transcription_provider", "speech_model", "hints"),
    ),
    section(
        "On the line",
        "Its manners when a caller speaks up or presses a key.",
        *("interruptible", "interrupt_sensitivity", "backchannels"),
        *("dtmf_detection", "mask_keys"),
        classes=SELDOM,
    ),
    section(
        "Silence and length",
        "What it does when nobody speaks, and how long a call may take.",
        *("silence_seconds", "silence_prompts", "silence_question"),
        *("max_call_minutes", "time_warning", "goodbye"),
        classes=SELDOM,
    ),
    section(
        "When things fail",
        "What a caller hears when no answer can be had.",
        *("apology", "transfer_number", "transfer_notice"),
        classes=SELDOM,
    ),
)
