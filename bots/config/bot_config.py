"""The settings of one call. Resolved when the call comes in, then stored with it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bots.config import backup_voices, phrases
from bots.config.capabilities import Language, MenuEntry, ToolSpec, TransferTarget
from bots.config.phrasebook import NAMES, resolved
from bots.config.placeholders import names

# Settings that are lists of these.
LIST_FIELDS: dict[str, type[TransferTarget | MenuEntry | Language | ToolSpec]] = {
    "tools": ToolSpec,
    "targets": TransferTarget,
    "menu": MenuEntry,
    "languages": Language,
}
# The name of the target behind `transfer_number`.
TRANSFER_NUMBER = "the transfer number"
# Settings that operators write as one item a line.
LINE_FIELDS = ("fallback_models", "fillers")


@dataclass(frozen=True, slots=True)
class BotConfig:
    """A bot's settings as they were when the call came in.

    They are stored as JSON with the call. A later edit of the bot changes neither a
    call in progress nor the record of an old one.
    """

    name: str
    system_prompt: str
    consent_message: str
    greeting: str
    llm_model: str
    fallback_models: tuple[str, ...]
    hedge: bool  # ask a fallback model as well if the answer is late
    max_reply_tokens: int
    temperature: float | None  # None: the model's own
    tts_voice: str
    tts_model: str
    backup_voice: str
    language: str
    transcription_provider: str
    speech_model: str
    hints: str
    interruptible: str
    interrupt_sensitivity: str
    dtmf_detection: bool
    backchannels: str
    echo_filter: bool
    mask_dtmf: bool
    idle_timeout_seconds: int
    idle_reprompts: int
    idle_prompt: str
    max_call_minutes: int
    time_limit_message: str
    goodbye_message: str
    apology_message: str
    transfer_number: str
    transfer_notice: str
    reconnected: str
    line_lost: str
    busy_message: str
    closed_message: str
    take_message_prompt: str
    goodbye_phrases: str
    screening_prompt: str
    screening_prompt_without_summary: str
    screening_accepted: str
    screening_declined: str
    recording: str  # never, always or consent
    recording_consent_key: str  # empty: the consent message is enough
    retention_days: int
    can_end_call: bool
    can_collect_digits: bool
    fillers: tuple[str, ...]
    filler_delay_seconds: float
    answer_filler_seconds: float  # 0: no filler before an answer
    variables: str
    time_zone: str
    summary_prompt: str
    outcomes: str
    summary_fields: str
    summary_model: str
    webhook_url: str
    webhook_secret: str  # the name of a `Secret`
    lookup_tool: ToolSpec | None
    tools: tuple[ToolSpec, ...]
    targets: tuple[TransferTarget, ...]
    menu: tuple[MenuEntry, ...]
    languages: tuple[Language, ...]

    def in_language(self, language: str) -> Self:
        """Return the bot as it is in another of its languages.

        The language of this config becomes one of the other languages. An unknown
        language changes nothing.
        """
        settings = next((x for x in self.languages if x.language == language), None)
        if settings is None or language == self.language:
            return self
        others = (x for x in self.languages if x.language != language)
        return replace(
            self,
            **resolved(language, settings.sentences),
            language=language,
            languages=(self._own_language, *others),
            tts_voice=settings.voice,
            tts_model=settings.tts_model or self.tts_model,
            transcription_provider=(
                settings.transcription_provider or self.transcription_provider
            ),
            backup_voice=settings.backup_voice,
            speech_model=settings.speech_model,
            hints=settings.hints or self.hints,
        )

    @property
    def _own_language(self) -> Language:
        return Language(
            self.language,
            self.tts_voice,
            self.tts_model,
            self.backup_voice,
            self.transcription_provider,
            self.speech_model,
            self.hints,
            self._sentences,
        )

    @property
    def _sentences(self) -> dict[str, str]:
        texts = {name: getattr(self, name) for name in NAMES}
        return {**texts, "fillers": "\n".join(self.fillers)}

    @property
    def twilio_voice(self) -> str:
        """The voice of Twilio's own speech; empty to let Twilio choose."""
        return self.backup_voice or backup_voices.backup_voice(self.language)

    @property
    def twilio_language(self) -> str:
        """The language of Twilio's own speech, as the provider of its voice calls it.

        Speech recognition knows `language` itself.
        """
        return backup_voices.language_of(self.twilio_voice) or self.language

    @property
    def other_languages(self) -> tuple[str, ...]:
        """The tags of the languages that the bot can switch to."""
        tags = dict.fromkeys(settings.language for settings in self.languages)
        return tuple(tag for tag in tags if tag != self.language)

    @property
    def transfer_targets(self) -> tuple[TransferTarget, ...]:
        """Everybody callers can be transferred to; the transfer number comes first."""
        number = self.transfer_number
        fallback = TransferTarget(TRANSFER_NUMBER, number, announce=False)
        return (fallback, *self.targets) if number else self.targets

    def without_numbers(self, numbers: Collection[str]) -> Self:
        """Return the bot without the transfer targets that have these numbers."""
        return replace(
            self,
            transfer_number=(
                "" if self.transfer_number in numbers else self.transfer_number
            ),
            targets=tuple(
                target for target in self.targets if target.number not in numbers
            ),
        )

    @property
    def other_models(self) -> tuple[str, ...]:
        """The fallback models beside the bot's own model, each once."""
        others = dict.fromkeys(self.fallback_models)
        return tuple(model for model in others if model != self.llm_model)

    @property
    def hedges(self) -> bool:
        """True if another model is asked, too, when the first one is late."""
        return self.hedge and bool(self.other_models)

    @property
    def speech_interrupts(self) -> bool:
        """True if the caller's voice interrupts the bot."""
        return self.interruptible in ("speech", "any")

    @property
    def dtmf_interrupts(self) -> bool:
        """True if a key press interrupts the bot."""
        return self.interruptible in ("dtmf", "any")

    @property
    def max_call_seconds(self) -> float:
        """The longest duration of a call; 0 means no limit."""
        return self.max_call_minutes * 60

    @property
    def opening_sentences(self) -> tuple[str, ...]:
        """The first sentences of a call that are the same in every call."""
        opening = self.consent_message, self.greeting
        return tuple(text for text in opening if text and not names(text))

    @property
    def fixed_sentences(self) -> tuple[str, ...]:
        """Sentences worth synthesising in advance, the most urgent first.

        A sentence with placeholders differs in each call, so it is not among them.
        """
        # The greeting is synthesised while the consent message plays.
        greeting = (self.greeting,) if self.consent_message else ()
        notice = (self.transfer_notice,) if self.transfer_targets else ()
        idle_prompt = (self.idle_prompt,) if self.idle_timeout_seconds else ()
        has_tools = self.tools or any(entry.tool for entry in self.menu)
        says_fillers = has_tools or self.answer_filler_seconds
        fillers = self.fillers if says_fillers else ()
        urgent = (*greeting, self.apology_message, self.goodbye_message)
        later = (*fillers, *idle_prompt, *notice, self.time_limit_message)
        return tuple(text for text in (*urgent, *later) if not names(text))

    def menu_entry(self, key: str) -> MenuEntry | None:
        """The menu entry of a key; None if the key is free."""
        return next((entry for entry in self.menu if entry.key == key), None)

    def is_backchannel(self, text: str) -> bool:
        """True if a caller who says this is only listening ("mhm", "okay okay")."""
        return phrases.is_backchannel(text, self.backchannels)

    def is_goodbye(self, text: str) -> bool:
        """True if the bot may hang up after these words of its own."""
        return self.can_end_call and phrases.ends_with_goodbye(
            text, self.goodbye_phrases
        )

    def to_json(self) -> dict[str, Any]:
        """Return all settings as JSON data."""
        return asdict(self)


def lines(text: str) -> tuple[str, ...]:
    """Return the non-empty lines of a text, stripped."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
