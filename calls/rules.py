"""What of a bot's settings shapes the conversation."""

from bots.config.bot_config import Profile
from bots.config.phrasebook import phrasebook
from bots.config.rules import Manners, backchannels
from bots.models.choices import Interruptible


def manners(profile: Profile) -> Manners:
    """A bot's rules of conversation, as its settings have them."""
    names = {tongue.language for tongue in profile.tongues} - {profile.language}
    others = {name: _in_one_language(profile.speaking(name)) for name in names}
    return _in_one_language(profile, others)


def _in_one_language(
    profile: Profile, others: dict[str, Manners] | None = None
) -> Manners:
    book = phrasebook(profile.language)
    return Manners(
        system_prompt=profile.system_prompt,
        greeting=profile.greeting,
        consent=profile.consent.strip(),
        speech_interrupts=profile.interruptible
        in (Interruptible.SPEECH, Interruptible.ANY),
        keys_interrupt=profile.interruptible in (Interruptible.DTMF, Interruptible.ANY),
        fallback_models=profile.fallback_models,
        backchannels=backchannels(profile.backchannels),
        mask_keys=profile.mask_keys,
        silence_seconds=profile.silence_seconds,
        silence_prompts=profile.silence_prompts,
        silence_question=profile.silence_question,
        max_call_seconds=profile.max_call_minutes * 60,
        time_warning=profile.time_warning,
        goodbye=profile.goodbye,
        apology=profile.apology,
        transfer_notice=profile.transfer_notice,
        reconnected=book.reconnected,
        language=profile.language,
        others=others or {},
        targets=profile.people,
        tools=profile.tools,
        menu={entry.key: entry for entry in profile.menu},
        can_hang_up=profile.can_hang_up,
        can_ask_for_keys=profile.can_ask_for_keys,
        fillers=profile.fillers,
        filler_seconds=profile.filler_after_ms / 1000,
        partings=backchannels(book.partings) if profile.can_hang_up else frozenset(),
    )
