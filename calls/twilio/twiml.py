"""Builds TwiML documents.

All attributes of ConversationRelay that shape turn-taking are set, because Twilio's
defaults have changed twice (Twilio, "TwiML Voice: <ConversationRelay>").
"""

import re
from collections.abc import Mapping

from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse

from bots.config.backup_voices import backup_voice, language_of
from bots.config.bot_config import BotConfig
from bots.config.phrasebook import Phrasebook
from bots.config.phrases import SENTENCE_END
from bots.config.placeholders import fill
from bots.config.speech_recognition import refusal
from calls.transfer import Transfer

# The voice for sentences that we could not synthesise. Twilio's default, ElevenLabs,
# needs an agreement of its own; without it the session fails.
TWILIO_TTS_PROVIDER = "Google"
HINTS = re.compile(r"[,\r\n]+")  # between two hints
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
    declared = [] if reduced else languages(config)
    attributes = _required(config) | ({} if reduced else _optional(config))
    if not (reduced or declared):
        attributes |= _speech(config) | _recognition(config)
    connect = Connect(action=action_url, method="POST")
    element = connect.conversation_relay(url=socket_url, **attributes)
    for language in declared:
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
    if config.twilio_language != config.language:
        attributes["ttsLanguage"] = config.twilio_language
    return attributes | ({"dtmfDetection": True} if config.dtmf_detection else {})


def _optional(config: BotConfig) -> dict[str, str | bool]:
    return {
        "speechTimeout": "auto",
        "interruptible": config.interruptible,
        "interruptSensitivity": config.interrupt_sensitivity,
        "welcomeGreetingInterruptible": config.interruptible,
        # Speech and digits of the caller are reported even while the bot speaks.
        "reportInputDuringAgentSpeech": "any",
        # Otherwise Twilio drops an "okay" that answers a question.
        "ignoreBackchannel": False,
        "echoPromptFiltering": config.echo_filter,
        # For the live page. Twilio documents it for Deepgram's flux; calls with nova-3
        # had partial prompts, too.
        "partialPrompts": True,
        # Words that a caller does not finish before hanging up, for the transcript.
        "partialPromptOnHangup": True,
        "preemptible": False,
        "dtmfDetection": config.dtmf_detection,
        "events": "speaker-events",
    }


def languages(config: BotConfig) -> list[dict[str, str]]:
    """The <Language> attributes of a bot with several languages, else nothing.

    Twilio can switch only to declared languages, so the bot's own is among them. The
    elements would inherit the voice, the model and the hints of <ConversationRelay>,
    which therefore has none then. If its voices have another tag for a language than
    speech recognition, both are declared.
    """
    codes = {language.language for language in config.languages} - {config.language}
    if not codes:
        return []
    declared: dict[str, dict[str, str]] = {}
    for language in (config, *(config.in_language(code) for code in sorted(codes))):
        declared.setdefault(language.language, {}).update(_recognition(language))
        declared.setdefault(language.twilio_language, {}).update(_speech(language))
    return [{"code": code, **attributes} for code, attributes in declared.items()]


def _speech(config: BotConfig) -> dict[str, str]:
    voice = {"voice": config.twilio_voice} if config.twilio_voice else {}
    return {"ttsProvider": TWILIO_TTS_PROVIDER, **voice}


def _recognition(config: BotConfig) -> dict[str, str]:
    """Without a model, Twilio takes its best one for the provider and the language."""
    attributes = {
        "transcriptionProvider": config.transcription_provider,
        "speechModel": speech_model(config),
        "hints": ", ".join(filter(None, map(str.strip, HINTS.split(config.hints)))),
    }
    return {name: value for name, value in attributes.items() if value}


def speech_model(config: BotConfig) -> str:
    """The model that the operator named; empty if the provider does not have it.

    Twilio ends a call whose model and provider do not match. They may stop matching: a
    language without a provider of its own uses the bot's, which can change.
    """
    model, provider = config.speech_model, config.transcription_provider
    return "" if refusal(model, provider, config.language) else model


def say_and_hang_up(message: str, language: str = "en-US", voice: str = "") -> str:
    """Say a message with Twilio's voice and end the call."""
    response = VoiceResponse()
    _say(response, message, language, voice)
    response.hangup()
    return str(response)


def _say(
    verb: VoiceResponse | Gather, message: str, language: str, voice: str = ""
) -> None:
    """Add a sentence in a Google voice: the given one, or one for the language.

    Only here the provider precedes the voice (Twilio, "TwiML Voice: <Say>").
    """
    voice = voice or backup_voice(language)
    if voice:
        name = f"{TWILIO_TTS_PROVIDER}.{voice}"
        verb.say(message, language=language_of(voice), voice=name)
    else:
        verb.say(message, language=language)


def transfer_blind(
    number: str,
    *,
    ring_seconds: int,
    caller_id: str,
    message: str = "",
    language: str = "en-US",
    voice: str = "",
    report_url: str = "",
) -> str:
    """Connect the caller to a telephone for good, after an optional message.

    Twilio asks the `report_url` how to go on when the telephone is free again.
    """
    response = VoiceResponse()
    if message:
        _say(response, message, language, voice)
    report = {"action": report_url, "method": "POST"} if report_url else {}
    dial = Dial(
        timeout=ring_seconds,
        time_limit=DIAL_TIME_LIMIT,
        **report,
        **_caller_id(caller_id),
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


def screening_gather(
    transfer: Transfer,
    *,
    accept_url: str,
    announcement: str,
    voice: str = "",
) -> str:
    """Announce the caller to the target, twice, and wait for a key."""
    response = VoiceResponse()
    for _ in range(2):
        gather = Gather(
            action=accept_url, method="POST", num_digits=1, timeout=GATHER_TIMEOUT
        )
        _say(gather, announcement, transfer.language, voice)
        response.append(gather)
    response.hangup()
    return str(response)


def screening_prompt(
    transfer: Transfer,
    sentences: BotConfig | Phrasebook,
    variables: Mapping[str, str] | None = None,
) -> str:
    """The text that announces the caller to the target."""
    summary = transfer.summary.strip()
    if not summary:
        return fill(sentences.screening_prompt_without_summary, variables or {})
    # The full stop makes the voice pause after the summary.
    summary += "" if SENTENCE_END.search(summary) else "."
    return fill(sentences.screening_prompt, {**(variables or {}), "summary": summary})


def screening_accepted(message: str, language: str, voice: str = "") -> str:
    """Confirm to the target. Twilio connects the two at the end of the document."""
    response = VoiceResponse()
    _say(response, message, language, voice)
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
