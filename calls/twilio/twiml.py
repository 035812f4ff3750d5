"""The TwiML we answer with.

Every attribute that shapes turn-taking is set, because Twilio's defaults have changed
twice (Twilio, "TwiML Voice: <ConversationRelay>").
"""

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse

from bots.config.bot_config import BotConfig
from bots.config.phrasebook import phrasebook
from bots.models.choices import TranscriptionProvider
from bots.validators import of_its_provider
from calls.transfer import Transfer

# The voice for sentences we could not synthesise; ElevenLabs, Twilio's default, needs
# an agreement of its own, and without one the session fails.
CARRIER_TTS_PROVIDER = "Google"
# Languages of Deepgram's newest general model; the one before knows some more.
NOVA_3_LANGUAGES = frozenset(
    ("en", "es", "fr", "de", "it", "pt", "nl", "hi", "ja", "ru", "sv", "da", "multi")
)
# Twilio's own limit for two people, in seconds.
DIAL_TIME_LIMIT = 4 * 3600
# How long a person may take for the key, after all has been said.
GATHER_TIMEOUT = 6


def relay(
    profile: BotConfig,
    *,
    socket_url: str,
    action_url: str,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """Hand the call to ConversationRelay with the bot's settings.

    Its socket is introduced with the `parameters`.
    """
    attributes: dict[str, str | bool] = {
        "language": profile.language,
        "ttsProvider": CARRIER_TTS_PROVIDER,
        "transcriptionProvider": profile.transcription_provider,
        "speechModel": speech_model(profile),
        "speechTimeout": "auto",
        "interruptible": profile.interruptible,
        "interruptSensitivity": profile.interrupt_sensitivity,
        "welcomeGreetingInterruptible": profile.interruptible,
        # What a caller says or presses over the bot must never be lost.
        "reportInputDuringAgentSpeech": "any",
        # Twilio would swallow an "okay" that answers a question.
        "ignoreBackchannel": False,
        "partialPrompts": False,
        "preemptible": False,
        "dtmfDetection": profile.dtmf_detection,
        "events": "speaker-events",
    }
    if profile.hints:
        hints = (hint.strip() for hint in re.split(r"[,\r\n]+", profile.hints))
        attributes["hints"] = ", ".join(filter(None, hints))
    connect = Connect(action=action_url, method="POST")
    element = connect.conversation_relay(url=socket_url, **attributes)
    for language in languages(profile):
        element.language(**language)
    for name, value in (parameters or {}).items():
        element.parameter(name=name, value=value)
    return _text(connect)


def languages(profile: BotConfig) -> list[dict[str, str]]:
    """What a bot of several languages declares, its own among them, to come back to.

    One that is not declared cannot be changed to.
    """
    others = {tongue.language for tongue in profile.languages} - {profile.language}
    if not others:
        return []
    spoken = [profile, *(profile.in_language(each) for each in sorted(others))]
    return [
        {
            "code": each.language,
            "ttsProvider": CARRIER_TTS_PROVIDER,
            "transcriptionProvider": each.transcription_provider,
            "speechModel": speech_model(each),
        }
        for each in spoken
    ]


def speech_model(profile: BotConfig) -> str:
    """The one that is named, where the provider has it: a wrong pair ends the call.

    A language may take its provider from the bot, which may change it.
    """
    named = profile.speech_model
    try:
        of_its_provider(named, profile.transcription_provider)
    except ValidationError:
        named = ""
    return named or best_speech_model(profile)


def best_speech_model(profile: BotConfig) -> str:
    """The general model for a bot that names none."""
    if profile.transcription_provider == TranscriptionProvider.GOOGLE:
        return "telephony"
    newest = profile.language.split("-")[0] in NOVA_3_LANGUAGES
    return "nova-3-general" if newest else "nova-2-general"


def say_and_hang_up(words: str, language: str = "en-US") -> str:
    """Have the carrier's voice say something and end the call."""
    response = VoiceResponse()
    response.say(words, language=language)
    response.hangup()
    return str(response)


def transfer_blind(
    number: str,
    *,
    ring_seconds: int,
    caller_id: str,
    message: str = "",
    language: str = "en-US",
) -> str:
    """Connect the caller to a person's telephone for good, perhaps after some words."""
    response = VoiceResponse()
    if message:
        response.say(message, language=language)
    dial = Dial(
        timeout=ring_seconds, time_limit=DIAL_TIME_LIMIT, **_caller_id(caller_id)
    )
    dial.number(number)
    response.append(dial)
    return str(response)


def dial_and_report(
    transfer: Transfer, *, caller_id: str, action_url: str, screening_url: str
) -> str:
    """Ring a person up for the caller, who hears it ring, and tell us what came of it.

    Whom it is announced to decides before the two are connected.
    """
    dial = Dial(
        action=action_url,
        method="POST",
        timeout=transfer.ring_seconds,
        time_limit=DIAL_TIME_LIMIT,
        # Else the caller would hear nothing while the person is being told.
        answer_on_bridge=True,
        **_caller_id(caller_id),
    )
    told = {"url": screening_url, "method": "POST"} if transfer.announce else {}
    dial.number(transfer.number, **told)
    response = VoiceResponse()
    response.append(dial)
    return str(response)


def screening_prompt(transfer: Transfer, *, accept_url: str) -> str:
    """Tell a person who has picked up of the caller, twice, and wait for a key."""
    response = VoiceResponse()
    for _ in range(2):
        gather = Gather(
            action=accept_url, method="POST", num_digits=1, timeout=GATHER_TIMEOUT
        )
        gather.say(screening_gather(transfer), language=transfer.language)
        response.append(gather)
    response.hangup()
    return str(response)


def screening_gather(transfer: Transfer) -> str:
    """What a person hears before the caller is connected."""
    book = phrasebook(transfer.language)
    summary = transfer.summary.strip()
    if not summary:
        return book.screening_prompt_without_summary
    # A pause of the voice stands between it and what follows.
    return book.screening_prompt.format(
        summary if summary[-1] in ".!?" else f"{summary}."
    )


def screening_accepted(language: str) -> str:
    """Connect the person with the caller: that is done where a document ends."""
    response = VoiceResponse()
    response.say(phrasebook(language).screening_accepted, language=language)
    return str(response)


def _caller_id(caller_id: str) -> dict[str, str]:
    return {"caller_id": caller_id} if caller_id else {}


def reject(reason: str) -> str:
    """Turn the call away unanswered, at no cost; `reason` is "rejected" or "busy"."""
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)


def redirect(url: str) -> str:
    """Ask again in a moment, when a proxy leads to another process."""
    response = VoiceResponse()
    response.pause(length=1)
    response.redirect(url, method="POST")
    return str(response)


def empty_response() -> str:
    """Ask for nothing: the answer to a report that came again."""
    return str(VoiceResponse())


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _text(connect: Connect) -> str:
    response = VoiceResponse()
    response.append(connect)
    return str(response)
