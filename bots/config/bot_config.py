"""The settings one call runs with: resolved once, kept with the call for good."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from bots.config.capabilities import Language, MenuEntry, ToolSpec, TransferTarget
from bots.config.phrasebook import phrasebook

# What a bot can do is kept as lists of these.
LIST_FIELDS: dict[str, type[TransferTarget | MenuEntry | Language | ToolSpec]] = {
    "tools": ToolSpec,
    "targets": TransferTarget,
    "menu": MenuEntry,
    "languages": Language,
}
# What the person behind `transfer_number` is called, who has no name.
TRANSFER_NUMBER = "the transfer number"
# Settings that hold one thing a line.
LINE_FIELDS = ("fallback_models", "fillers")


@dataclass(frozen=True, slots=True)
class BotConfig:
    """A bot's settings as they were when the call came in.

    Stored as JSON with the call, so that a later edit of the bot changes neither a
    call in progress nor what is said about an old one.
    """

    name: str
    system_prompt: str
    consent_message: str
    greeting: str
    llm_model: str
    fallback_models: tuple[str, ...]
    max_reply_tokens: int
    temperature: float
    tts_voice: str
    tts_model: str
    early_first_clause: bool
    language: str
    transcription_provider: str
    speech_model: str
    hints: str
    interruptible: str
    interrupt_sensitivity: str
    dtmf_detection: bool
    backchannels: str
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
    retention_days: int
    can_end_call: bool
    can_collect_digits: bool
    fillers: tuple[str, ...]
    filler_delay_ms: int
    variables: str
    time_zone: str
    summary_prompt: str
    outcomes: str
    summary_fields: str
    summary_model: str
    webhook_url: str
    webhook_secret: str  # its name
    lookup_tool: ToolSpec | None
    tools: tuple[ToolSpec, ...]
    targets: tuple[TransferTarget, ...]
    menu: tuple[MenuEntry, ...]
    languages: tuple[Language, ...]

    def in_language(self, language: str) -> Self:
        """The same bot in another of its languages, with that language's sentences."""
        tongue = next((t for t in self.languages if t.language == language), None)
        if tongue is None or language == self.language:
            return self
        usual = asdict(phrasebook(language))
        usual = {name: text for name, text in usual.items() if hasattr(self, name)}
        usual["fillers"] = lines(usual["fillers"])
        return replace(
            self,
            **usual,
            language=language,
            tts_voice=tongue.voice,
            tts_model=tongue.tts_model or self.tts_model,
            transcription_provider=(
                tongue.transcription_provider or self.transcription_provider
            ),
            speech_model=tongue.speech_model,
        )

    @property
    def transfer_targets(self) -> tuple[TransferTarget, ...]:
        """Everybody callers can be put through to, the transfer number first."""
        number = self.transfer_number
        rescue = TransferTarget(TRANSFER_NUMBER, number, announce=False)
        return (rescue, *self.targets) if number else self.targets

    def without_numbers(self, numbers: Collection[str]) -> Self:
        """The same bot, which puts nobody through to any of these numbers."""
        return replace(
            self,
            transfer_number=(
                "" if self.transfer_number in numbers else self.transfer_number
            ),
            targets=tuple(each for each in self.targets if each.number not in numbers),
        )

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text that are not empty, trimmed."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
