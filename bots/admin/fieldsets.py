"""The groups of the bot editor, in the order one thinks about a bot."""

from typing import Any

SELDOM = ["collapse"]  # closed until opened, or until something in it is wrong
# Sections that have a list below their fields.
PEOPLE, KEYS, LANGUAGES = "People", "Keys", "Languages"

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
        *("consent_message", "retention_days"),
    ),
    section(
        "Voice",
        "What the answers sound like. Listen plays the greeting above, saved or not.",
        *("tts_voice", "tts_model", "early_first_clause"),
    ),
    section(
        "Brain",
        "The language model that writes the answers.",
        *("llm_model", "fallback_models", "max_reply_tokens", "temperature"),
    ),
    section(
        LANGUAGES,
        "What it speaks and how callers are understood; below, what it can change to.",
        *("language", "transcription_provider", "speech_model", "hints"),
    ),
    section(
        "What it can do",
        "What the model may do of its own accord, and what bridges the wait.",
        *("can_end_call", "tools", "fillers", "filler_delay_ms"),
    ),
    section(
        PEOPLE,
        "Whom callers can be put through to: by the model, by a key, from the desk, or "
        "because the bot fails.",
        *("transfer_number", "transfer_notice"),
    ),
    section(
        KEYS,
        "What the telephone's keys are for.",
        *("dtmf_detection", "mask_dtmf", "can_collect_digits"),
    ),
    section(
        "Variables",
        "What texts and tools name in double braces: {{caller_number}}, {{now}}, or "
        "{{customer.name|there}}, where “there” is said if no name is known.",
        *("variables", "lookup_tool", "time_zone"),
    ),
    section(
        "After the call",
        "What is told of a call once it is over, and whom. Test calls are summed up, "
        "and sent to no webhook.",
        *("summary_prompt", "outcomes", "summary_fields", "summary_model"),
        *("webhook_url", "webhook_secret"),
        classes=SELDOM,
    ),
    section(
        "On the line",
        "Its manners when a caller speaks up.",
        *("interruptible", "interrupt_sensitivity", "backchannels"),
        classes=SELDOM,
    ),
    section(
        "Silence and length",
        "What it does when nobody speaks, and how long a call may take.",
        *("idle_timeout_seconds", "idle_reprompts", "idle_prompt"),
        *("max_call_minutes", "time_limit_message", "goodbye_message"),
        classes=SELDOM,
    ),
    section(
        "When things fail",
        "What a caller hears when no answer can be had.",
        "apology_message",
        classes=SELDOM,
    ),
)
