"""Builds TwiML documents.

All attributes of ConversationRelay that shape turn-taking are set, because Twilio's
defaults have changed twice (Twilio, "TwiML Voice: <ConversationRelay>").
"""

import re
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse

from bots.config.bot_config import BotConfig
from bots.config.phrasebook import phrasebook
from bots.models.choices import TranscriptionProvider
from bots.validators import check_speech_model
from calls.transfer import Transfer

# The voice for sentences that we could not synthesise. Twilio's default, ElevenLabs,
# needs an agreement of its own; without it the session fails.
TWILIO_TTS_PROVIDER = "Google"
# Languages of Deepgram's newest general model; its predecessor has more.
NOVA_3_LANGUAGES = frozenset(
    ("en", "es", "fr", "de", "it", "pt", "nl", "hi", "ja", "ru", "sv", "da", "multi")
)
# Twilio's own limit for a dialled call, in seconds.
DIAL_TIME_LIMIT = 4 * 3600
# Seconds that a transfer target has to press a key, after the announcement.
GATHER_TIMEOUT = 6


def relay(
    config: BotConfig,
    *,
    socket_url: str,
    action_url: str,
    parameters: Mapping[str, str] | None = None,
    reduced: bool = False,
) -> str:
    """Connect the call to ConversationRelay with the bot's settings.

    The setup frame of the socket contains the `parameters`. A `reduced` document, for a
    call whose settings Twilio refused, has only the attributes that the call needs.
    """
    attributes = _required(config) | ({} if reduced else _optional(config))
    connect = Connect(action=action_url, method="POST")
    element = connect.conversation_relay(url=socket_url, **attributes)
    for language in [] if reduced else languages(config):
        element.language(**language)
    for name, value in (parameters or {}).items():
        element.parameter(name=name, value=value)
    return _text(connect)


def _required(config: BotConfig) -> dict[str, str | bool]:
    """The attributes without which the bot could not talk to its callers.

    Twilio's defaults for the two providers depend on the account.
    """
    attributes: dict[str, str | bool] = {
        "language": config.language,
        "ttsProvider": TWILIO_TTS_PROVIDER,
        "transcriptionProvider": config.transcription_provider,
    }
    return attributes | ({"dtmfDetection": True} if config.dtmf_detection else {})


def _optional(config: BotConfig) -> dict[str, str | bool]:
    attributes: dict[str, str | bool] = {
        "speechModel": speech_model(config),
        "speechTimeout": "auto",
        "interruptible": config.interruptible,
        "interruptSensitivity": config.interrupt_sensitivity,
        "welcomeGreetingInterruptible": config.interruptible,
        # Speech and digits of the caller are reported even while the bot speaks.
        "reportInputDuringAgentSpeech": "any",
        # Otherwise Twilio drops an "okay" that answers a question.
        "ignoreBackchannel": False,
        "partialPrompts": False,
        "preemptible": False,
        "dtmfDetection": config.dtmf_detection,
        "events": "speaker-events",
    }
    if config.hints:
        hints = (hint.strip() for hint in re.split(r"[,\r\n]+", config.hints))
        attributes["hints"] = ", ".join(filter(None, hints))
    return attributes


def languages(config: BotConfig) -> list[dict[str, str]]:
    """The <Language> attributes of a bot with several languages, else nothing.

    Twilio can switch only to declared languages, so the bot's own is among them.
    """
    codes = {language.language for language in config.languages} - {config.language}
    if not codes:
        return []
    configs = [config, *(config.in_language(code) for code in sorted(codes))]
    return [
        {
            "code": language.language,
            "ttsProvider": TWILIO_TTS_PROVIDER,
            "transcriptionProvider": language.transcription_provider,
            "speechModel": speech_model(language),
        }
        for language in configs
    ]


def speech_model(config: BotConfig) -> str:
    """The configured speech model, or the best one if the provider does not have it.

    Twilio ends a call whose model and provider do not match. They may stop matching: a
    language without a provider of its own uses the bot's, which can change.
    """
    try:
        check_speech_model(config.speech_model, config.transcription_provider)
    except ValidationError:
        return best_speech_model(config)
    return config.speech_model or best_speech_model(config)


def best_speech_model(config: BotConfig) -> str:
    """The provider's general model for the language."""
    if config.transcription_provider == TranscriptionProvider.GOOGLE:
        return "telephony"
    newest = config.language.split("-")[0] in NOVA_3_LANGUAGES
    return "nova-3-general" if newest else "nova-2-general"


def say_and_hang_up(message: str, language: str = "en-US") -> str:
    """Say a message with Twilio's voice and end the call."""
    response = VoiceResponse()
    response.say(message, language=language)
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
    """Connect the caller to a telephone for good, after an optional message."""
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
    """Dial a transfer target while the caller hears the ringing; then ask us again.

    If the call is announced, the target accepts or declines before being connected.
    """
    dial = Dial(
        action=action_url,
        method="POST",
        timeout=transfer.ring_seconds,
        time_limit=DIAL_TIME_LIMIT,
        # Otherwise the caller hears silence during the announcement.
        answer_on_bridge=True,
        **_caller_id(caller_id),
    )
    screening = {"url": screening_url, "method": "POST"} if transfer.announce else {}
    dial.number(transfer.number, **screening)
    response = VoiceResponse()
    response.append(dial)
    return str(response)


def screening_gather(transfer: Transfer, *, accept_url: str) -> str:
    """Announce the caller to the target, twice, and wait for a key."""
    response = VoiceResponse()
    for _ in range(2):
        gather = Gather(
            action=accept_url, method="POST", num_digits=1, timeout=GATHER_TIMEOUT
        )
        gather.say(screening_prompt(transfer), language=transfer.language)
        response.append(gather)
    response.hangup()
    return str(response)


def screening_prompt(transfer: Transfer) -> str:
    """The text that announces the caller to the target."""
    book = phrasebook(transfer.language)
    summary = transfer.summary.strip()
    if not summary:
        return book.screening_prompt_without_summary
    # The full stop makes the voice pause after the summary.
    return book.screening_prompt.format(
        summary if summary[-1] in ".!?" else f"{summary}."
    )


def screening_accepted(language: str) -> str:
    """Confirm to the target. Twilio connects the two at the end of the document."""
    response = VoiceResponse()
    response.say(phrasebook(language).screening_accepted, language=language)
    return str(response)


def _caller_id(caller_id: str) -> dict[str, str]:
    return {"caller_id": caller_id} if caller_id else {}


def reject(reason: str) -> str:
    """Reject the call unanswered, at no cost; `reason` is "rejected" or "busy"."""
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)


def redirect(url: str) -> str:
    """Repeat the request after a second, when a proxy may route it elsewhere."""
    response = VoiceResponse()
    response.pause(length=1)
    response.redirect(url, method="POST")
    return str(response)


def empty_response() -> str:
    """Do nothing: the answer to a repeated report."""
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
