"""What of a bot's settings shapes the conversation."""

from bots.choices import Interruptible
from bots.languages import phrasebook
from bots.profile import Profile
from calls.manners import Manners, backchannels


def manners(profile: Profile) -> Manners:
    """A bot's rules of conversation, as its settings have them."""
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
        can_transfer=bool(profile.transfer_number),
        transfer_notice=profile.transfer_notice,
        reconnected=phrasebook(profile.language).reconnected,
    )
