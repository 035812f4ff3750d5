"""The sections of the bot editor."""

from typing import Any

COLLAPSED = ["collapse"]  # opened by a click, or by an error inside
# Sections that have a list below their fields.
PEOPLE, KEYPAD, LANGUAGES = "People to transfer to", "Keypad", "Languages"

Section = tuple[str, Any]  # heading and options, as Django's fieldsets have them


def section(
    name: str, description: str, *fields: str, classes: list[str] | None = None
) -> Section:
    """Build a section with a heading and one sentence of help."""
    options = {"description": description, "fields": list(fields)}
    return name, {**options, "classes": classes or []}


# Fixed sentences that have no section of their own.
OTHER_SENTENCES = (
    *("reconnected", "line_lost", "busy_message", "goodbye_phrases"),
    *("screening_prompt", "screening_prompt_without_summary"),
    *("screening_accepted", "screening_declined"),
)

SECTIONS: tuple[Section, ...] = (
    section(
        "Name",
        "The name of the bot in this console, and whether it answers calls.",
        *("name", "is_active", "is_default"),
    ),
    section(
        "Greeting and instructions",
        "What the bot says first, and how it behaves after that.",
        *("greeting", "system_prompt"),
    ),
    section(
        "Privacy",
        "What callers are told about their data, and how long calls are stored.",
        *("consent_message", "retention_days"),
    ),
    section(
        "Voice",
        "How the bot sounds. Listen plays the greeting above, even before you save.",
        *("tts_voice", "tts_model"),
    ),
    section(
        "AI model",
        "The model that writes the answers.",
        *("llm_model", "fallback_models", "hedge", "max_reply_tokens", "temperature"),
    ),
    section(
        LANGUAGES,
        "The language of the bot. Below: further languages that callers can ask for.",
        *("language", "transcription_provider", "speech_model", "hints"),
    ),
    section(
        "Tools",
        "What the bot can do during a call, and what it says while callers wait.",
        *("can_end_call", "tools", "fillers", "filler_delay_seconds"),
        "answer_filler_seconds",
    ),
    section(
        PEOPLE,
        "The bot, a key or an operator can transfer a caller to one of these people. "
        "The bot also transfers callers when it fails.",
        *("transfer_number", "transfer_notice"),
    ),
    section(
        KEYPAD,
        "What callers can do with the keys of their phone.",
        *("dtmf_detection", "mask_dtmf", "can_collect_digits"),
    ),
    section(
        "Variables",
        "Values to use in texts and tools: {{caller_number}}, {{now}}, or "
        "{{customer.name|there}}, which becomes “there” if the name is missing.",
        *("variables", "lookup_tool", "time_zone"),
    ),
    section(
        "After the call",
        "A summary of each call, and a web address that receives it. Test calls get a "
        "summary, but are not sent to the web address.",
        *("summary_prompt", "outcomes", "summary_fields", "summary_model"),
        *("webhook_url", "webhook_secret"),
        classes=COLLAPSED,
    ),
    section(
        "Interruptions",
        "What happens when a caller speaks while the bot is speaking.",
        *("interruptible", "interrupt_sensitivity", "backchannels", "echo_filter"),
        classes=COLLAPSED,
    ),
    section(
        "Silence and time limit",
        "What the bot does when the caller is silent, and how long a call can last.",
        *("idle_timeout_seconds", "idle_reprompts", "idle_prompt"),
        *("max_call_minutes", "time_limit_message", "goodbye_message"),
        classes=COLLAPSED,
    ),
    section(
        "Fixed sentences",
        "What callers and people who take over calls hear, word for word. An empty "
        "field has the sentence that it shows in grey.",
        *OTHER_SENTENCES,
        classes=COLLAPSED,
    ),
    section(
        "When something fails",
        "What the caller hears if the bot cannot answer or has lost its voice.",
        *("apology_message", "backup_voice"),
        classes=COLLAPSED,
    ),
)
# Beside the settings: no field of the form.
NUMBERS = section(
    "Numbers",
    "Numbers have a list of their own, because a bot can answer thousands.",
    "numbers_of_bot",
)
