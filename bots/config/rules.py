"""What a bot's settings say about the course of a conversation. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.config.bot_config import BotConfig
from bots.config.capabilities import MenuEntry, ToolSpec, TransferTarget
from bots.config.phrasebook import phrasebook
from bots.config.placeholders import names

# A parting is the end of what was said, not a word in it.
MAX_GOODBYE_WORDS = 8
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001
# What may stand behind the last mark of a sentence.
_CLOSING = " \n\"'”’»)"  # noqa: RUF001

_WORD = re.compile(r"[^\W_]+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class ConversationRules:
    """A bot's rules of conversation; the sentences are in `language`.

    `idle_timeout_seconds` 0 never asks again; `max_call_seconds` 0 never ends a call.
    `others` are the same rules in the bot's other languages.
    """

    system_prompt: str
    greeting: str = ""
    consent_message: str = ""
    speech_interrupts: bool = True
    dtmf_interrupts: bool = True
    fallback_models: tuple[str, ...] = ()
    backchannels: frozenset[str] = frozenset()
    mask_dtmf: bool = False
    idle_timeout_seconds: float = 0.0
    idle_reprompts: int = 2
    idle_prompt: str = "Are you still there?"
    max_call_seconds: float = 0.0
    time_limit_message: str = "We have one minute left."
    goodbye_message: str = "Goodbye."
    apology_message: str = "I'm sorry, I have some trouble. Could you say that again?"
    transfer_notice: str = "I'll put you through."
    reconnected: str = "Sorry, we were cut off for a moment."
    language: str = "en-US"
    other_languages: Mapping[str, ConversationRules] = field(default_factory=dict)
    transfer_targets: tuple[TransferTarget, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    menu: Mapping[str, MenuEntry] = field(default_factory=dict)
    can_end_call: bool = False
    can_collect_digits: bool = False
    fillers: tuple[str, ...] = ()
    filler_delay_seconds: float = 1.2
    goodbye_phrases: frozenset[str] = frozenset()

    @property
    def can_transfer(self) -> bool:
        """Whether there is anybody to put a caller through to."""
        return bool(self.transfer_targets)

    @property
    def fixed_sentences(self) -> tuple[str, ...]:
        """What may have to be said at a moment's notice, the most urgent first."""
        # While the consent sentence is played, the greeting is made.
        greeting = (self.greeting,) if self.consent_message else ()
        notice = (self.transfer_notice,) if self.can_transfer else ()
        silence = (self.idle_prompt,) if self.idle_timeout_seconds else ()
        uses_tools = self.tools or any(entry.tool for entry in self.menu.values())
        fillers = self.fillers if uses_tools else ()
        seldom = (*fillers, *silence, *notice, self.time_limit_message)
        said = (*greeting, self.apology_message, self.goodbye_message, *seldom)
        # With its variables filled in, a sentence is another one in each call.
        return tuple(each for each in said if not names(each))

    def is_backchannel(self, text: str) -> bool:
        """Whether words only say that the caller is listening ("mhm", "okay okay")."""
        said = normalised(text)
        return bool(said) and (
            said in self.backchannels
            or all(word in self.backchannels for word in said.split())
        )

    def is_goodbye(self, text: str) -> bool:
        """Whether words end with a goodbye; what is asked wants an answer."""
        if text.rstrip(_CLOSING).endswith(QUESTION_MARKS):
            return False
        ending = " ".join(normalised(text).split()[-MAX_GOODBYE_WORDS:])
        return any(re.search(rf"\b{words}$", ending) for words in self.goodbye_phrases)


def normalised(text: str) -> str:
    """Words in lower case without punctuation, as backchannels are compared."""
    return " ".join(_WORD.findall(text.lower()))


def backchannels(listed: str) -> frozenset[str]:
    """Read a comma-separated list."""
    return frozenset(filter(None, map(normalised, listed.split(","))))


def rules_of(profile: BotConfig) -> ConversationRules:
    """A bot's rules of conversation, as its settings have them."""
    names = {tongue.language for tongue in profile.languages} - {profile.language}
    others = {name: _in_one_language(profile.in_language(name)) for name in names}
    return _in_one_language(profile, others)


def _in_one_language(
    profile: BotConfig, others: dict[str, ConversationRules] | None = None
) -> ConversationRules:
    book = phrasebook(profile.language)
    return ConversationRules(
        system_prompt=profile.system_prompt,
        greeting=profile.greeting,
        consent_message=profile.consent_message.strip(),
        speech_interrupts=profile.interruptible in ("speech", "any"),
        dtmf_interrupts=profile.interruptible in ("dtmf", "any"),
        fallback_models=profile.fallback_models,
        backchannels=backchannels(profile.backchannels),
        mask_dtmf=profile.mask_dtmf,
        idle_timeout_seconds=profile.idle_timeout_seconds,
        idle_reprompts=profile.idle_reprompts,
        idle_prompt=profile.idle_prompt,
        max_call_seconds=profile.max_call_minutes * 60,
        time_limit_message=profile.time_limit_message,
        goodbye_message=profile.goodbye_message,
        apology_message=profile.apology_message,
        transfer_notice=profile.transfer_notice,
        reconnected=book.reconnected,
        language=profile.language,
        other_languages=others or {},
        transfer_targets=profile.transfer_targets,
        tools=profile.tools,
        menu={entry.key: entry for entry in profile.menu},
        can_end_call=profile.can_end_call,
        can_collect_digits=profile.can_collect_digits,
        fillers=profile.fillers,
        filler_delay_seconds=profile.filler_delay_ms / 1000,
        goodbye_phrases=backchannels(book.goodbye_phrases)
        if profile.can_end_call
        else frozenset(),
    )
