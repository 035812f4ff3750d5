"""What of a bot's settings shapes the conversation."""

from bots.config.bot_config import BotConfig
from bots.config.phrasebook import phrasebook
from bots.config.rules import ConversationRules, backchannels
from bots.models.choices import Interruptible


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
        speech_interrupts=profile.interruptible
        in (Interruptible.SPEECH, Interruptible.ANY),
        dtmf_interrupts=profile.interruptible
        in (Interruptible.DTMF, Interruptible.ANY),
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
