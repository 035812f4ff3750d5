"""The settings one call runs with: resolved once, kept with the call for good."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, Self

from bots.config.capabilities import Language, MenuEntry, ToolSpec, TransferTarget
from bots.config.phrasebook import phrasebook
from bots.models import Bot

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

    @classmethod
    def of(cls, bot: Bot) -> Self:
        """Resolve a bot's settings; what it leaves open its language fills in.

        Reads what belongs to the bot from the database, unless it came `with_related`.
        """
        names = {field.name for field in fields(cls)} - LIST_FIELDS.keys()
        values: dict[str, Any] = {name: getattr(bot, name) for name in names}
        for name, usual in asdict(phrasebook(bot.language)).items():
            if name in values:
                values[name] = values[name].strip() or usual
        values |= {name: _lines(values[name]) for name in LINE_FIELDS}
        secret = bot.webhook_secret
        values["webhook_secret"] = secret.name if secret else ""
        values["lookup_tool"] = bot.lookup_tool.spec() if bot.lookup_tool else None
        return cls(**values | _belongings(bot))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote; fields added since get the bot's defaults."""
        values = {**_defaults(), **stored}
        known = {field.name: values[field.name] for field in fields(cls)}
        known |= {name: tuple(known[name]) for name in LINE_FIELDS}
        for name, kind in LIST_FIELDS.items():
            known[name] = tuple(map(kind.of, known[name]))
        known["lookup_tool"] = (
            ToolSpec.of(known["lookup_tool"]) if known["lookup_tool"] else None
        )
        return cls(**known)

    def in_language(self, language: str) -> Self:
        """The same bot in another of its languages, with that language's sentences."""
        tongue = next((t for t in self.languages if t.language == language), None)
        if tongue is None or language == self.language:
            return self
        usual = asdict(phrasebook(language))
        usual = {name: text for name, text in usual.items() if hasattr(self, name)}
        usual["fillers"] = _lines(usual["fillers"])
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


@cache
def _defaults() -> dict[str, Any]:
    """What a new bot would run with, for calls that knew fewer settings."""
    return BotConfig.of(Bot()).to_json()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _belongings(bot: Bot) -> dict[str, tuple[Any, ...]]:
    """What stands in tables of its own; a bot that is not saved has none of it."""
    if bot.pk is None:
        return dict.fromkeys(LIST_FIELDS, ())

    def rows(name: str) -> Iterable[Any]:
        known_to_have = getattr(bot, f"has_{name}", True)  # see `first_with_related`
        return getattr(bot, name).all() if known_to_have else ()

    return {
        "tools": tuple(tool.spec() for tool in rows("tools")),
        "targets": tuple(target.to_config() for target in rows("targets")),
        "menu": tuple(key.to_config() for key in rows("menu_keys")),
        "languages": tuple(tongue.to_config() for tongue in rows("languages")),
    }
