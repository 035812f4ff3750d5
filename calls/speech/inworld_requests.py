"""Requests to Inworld with the settings of a call."""

from collections.abc import Iterable

from bots.config.bot_config import BotConfig
from bots.inworld.client import ReplyRequest, SpeechRequest
from calls.conversation.actions import StartReply
from calls.conversation.fallback import FIRST_AUDIO_TIMEOUT
from calls.speech.speech_text import speech_parts


def reply_request(config: BotConfig, start: StartReply) -> ReplyRequest:
    """The request for a reply; `start` may name another model than the bot's.

    A model that has written nothing after half the time that a caller waits gives way
    to a fallback model: the other half is enough for that one's first words.
    """
    model = start.model or config.llm_model
    return ReplyRequest(
        model=model,
        messages=start.messages,
        voice=config.tts_voice,
        tts_model=config.tts_model,
        max_tokens=config.max_reply_tokens,
        temperature=config.temperature,
        fallback_models=tuple(
            other for other in config.fallback_models if other != model
        ),
        first_token_seconds=FIRST_AUDIO_TIMEOUT / 2,
        functions=start.functions,
        must_speak=start.must_speak,
    )


def speech_request(config: BotConfig, text: str) -> SpeechRequest:
    """The request for a sentence in the bot's voice."""
    return SpeechRequest(
        text=text,
        voice=config.tts_voice,
        model=config.tts_model,
        language=config.language,
    )


def speech_requests(config: BotConfig, texts: Iterable[str]) -> list[SpeechRequest]:
    """Requests for texts in the bot's voice; a long text is spoken in parts."""
    parts = (part for text in texts if text for part in speech_parts(text))
    return [speech_request(config, part) for part in parts]
