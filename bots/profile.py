"""The settings one call runs with: resolved once, kept with the call for good."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from bots.languages import phrasebook
from bots.models import Bot


@dataclass(frozen=True, slots=True)
class Profile:
    """A bot's settings as they were when the call came in.

    Stored as JSON with the call, so that a later edit of the bot changes neither a
    call in progress nor what is said about an old one.
    """

    name: str
    system_prompt: str
    consent: str
    greeting: str
    llm_model: str
    fallback_models: tuple[str, ...]
    max_reply_tokens: int
    temperature: float
    tts_voice: str
    tts_model: str
    quick_start: bool
    language: str
    transcription_provider: str
    speech_model: str
    hints: str
    interruptible: str
    interrupt_sensitivity: str
    dtmf_detection: bool
    backchannels: str
    mask_keys: bool
    silence_seconds: int
    silence_prompts: int
    silence_question: str
    max_call_minutes: int
    time_warning: str
    goodbye: str
    apology: str
    transfer_number: str
    transfer_notice: str
    retention_days: int

    @classmethod
    def of(cls, bot: Bot) -> Self:
        """Resolve a bot's settings; what it leaves open its language fills in."""
        values = {field.name: getattr(bot, field.name) for field in fields(cls)}
        for name, usual in asdict(phrasebook(bot.language)).items():
            if name in values:
                values[name] = values[name].strip() or usual
        lines = (line.strip() for line in bot.fallback_models.splitlines())
        values["fallback_models"] = tuple(line for line in lines if line)
        return cls(**values)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; fields added since get the bot's defaults."""
        values = {**cls.of(Bot()).to_json(), **stored}
        known = {field.name: values[field.name] for field in fields(cls)}
        known["fallback_models"] = tuple(known["fallback_models"])
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return asdict(self)
