"""The tabs of the bot editor, and their sections."""

from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Tab:
    """Sections that are shown together; `slug` is the tab's name in the address."""

    slug: str
    name: str
    sections: tuple[Section, ...]


# Beside the settings: no field of the form.
NUMBERS = section(
    "Numbers",
    "Numbers have a list of their own, because a bot can answer thousands.",
    "numbers_of_bot",
)
BASICS = Tab(
    "basics",
    "Basics",
    (
        section("Name", "", "name", "is_active", "is_default"),
        section("Greeting and instructions", "", "greeting", "system_prompt"),
        section("Voice and language", "", "tts_voice", "language", "time_zone"),
        section("AI model", "", "llm_model"),
        NUMBERS,
    ),
)
KNOWS_AND_DOES = Tab(
    "knows-and-does",
    "Knows and does",
    (
        section(
            "Tools",
            "",
            *("tools", "can_end_call"),
        ),
        section(
            "Wait phrases",
            "",
            *("fillers", "filler_delay_seconds", "answer_filler_seconds"),
        ),
        section(
            "Variables",
            "Words in double braces are replaced during a call: {{caller_number}} by "
            "the caller's number, {{now}} by day and time, and "
            "{{customer.name|there}} by the name of a customer, or by “there” if it is "
            "missing.",
            *("variables", "lookup_tool"),
        ),
        section(
            LANGUAGES,
            "The bot switches to a further language when a caller asks for it.",
            "hints",
        ),
    ),
)
KEYPAD_AND_PEOPLE = Tab(
    "keypad-and-people",
    "Keypad and people",
    (
        section(
            PEOPLE,
            "The bot, a key or an operator can transfer a caller to one of these "
            "people. The bot also transfers callers when it fails.",
            *("transfer_number", "transfer_notice"),
        ),
        section(
            KEYPAD,
            "What callers can do with the keys of their phone.",
            *("dtmf_detection", "mask_dtmf", "can_collect_digits"),
        ),
    ),
)
RECORDING_AND_SUMMARY = Tab(
    "recording-and-summary",
    "Recording and summary",
    (
        section(
            "Recording and privacy",
            "What is recorded and stored, and what callers are told about it.",
            *("recording", "consent_message", "recording_consent_key"),
            "retention_days",
        ),
        section(
            "Summary",
            "What is written down about each call.",
            *("summary_prompt", "summary_fields", "outcomes", "summary_model"),
        ),
        section(
            "Send calls to another program",
            "For example to your customer database. A programmer can tell you the web "
            "address (a “webhook”). Test calls are not sent.",
            *("webhook_url", "webhook_secret"),
        ),
    ),
)
# Fixed sentences that have no section of their own.
OTHER_SENTENCES = (
    *("goodbye_message", "goodbye_phrases", "reconnected", "line_lost"),
    *("busy_message", "closed_message", "take_message_prompt"),
    *("screening_prompt", "screening_prompt_without_summary"),
    *("screening_accepted", "screening_declined"),
)
ADVANCED = Tab(
    "advanced",
    "Advanced",
    (
        section(
            "Silence and time limit",
            "What the bot does when the caller is silent, and how long a call can "
            "last.",
            *("idle_timeout_seconds", "idle_reprompts", "max_call_minutes"),
            *("idle_prompt", "time_limit_message"),
        ),
        section(
            "Interruptions",
            "What happens when a caller speaks while the bot is speaking.",
            *("interruptible", "interrupt_sensitivity", "echo_filter", "backchannels"),
        ),
        section(
            "Answers",
            "How the AI model and the voice produce an answer.",
            *("max_reply_tokens", "temperature", "tts_model"),
            classes=COLLAPSED,
        ),
        section(
            "Speech recognition",
            "How the caller's speech becomes text.",
            *("transcription_provider", "speech_model"),
            classes=COLLAPSED,
        ),
        section(
            "When something fails",
            "Who answers if the AI model fails, and what the caller hears if nobody "
            "can.",
            *("fallback_models", "hedge", "apology_message", "backup_voice"),
            classes=COLLAPSED,
        ),
        section(
            "Fixed sentences",
            "What callers and people who take over calls hear, word for word. An empty "
            "field has the sentence that it shows in grey.",
            *OTHER_SENTENCES,
            classes=COLLAPSED,
        ),
    ),
)
TABS = (BASICS, KNOWS_AND_DOES, KEYPAD_AND_PEOPLE, RECORDING_AND_SUMMARY, ADVANCED)
SECTIONS = tuple(section for tab in TABS for section in tab.sections)
# A new bot is asked for these; everything else has a usual value.
NEW_BOT: tuple[Section, ...] = (
    section("", "", "name", "greeting", "system_prompt", "tts_voice"),
)


def tabs_of(fieldsets: Iterable[Any], lists: Iterable[Any]) -> list[dict[str, Any]]:
    """The tabs with their fieldsets, each with its lists, for the template.

    `fieldsets` and `lists` are those of the admin's form.
    """
    shown = {
        fieldset.name: {
            "number": number,
            "fieldset": fieldset,
            "lists": [item for item in lists if item.opts.section == fieldset.name],
        }
        for number, fieldset in enumerate(fieldsets)
    }
    return [
        {
            "slug": tab.slug,
            "name": tab.name,
            "sections": [shown[name] for name, _ in tab.sections if name in shown],
        }
        for tab in TABS
    ]
