"""Requests to Inworld with the settings of a call."""

from bots.config.bot_config import BotConfig
from bots.inworld.client import ReplyRequest, SpeechRequest
from calls.conversation.actions import StartReply


def reply_request(config: BotConfig, start: StartReply) -> ReplyRequest:
    """The request for a reply; `start` may name another model than the bot's."""
    return ReplyRequest(
        model=start.model or config.llm_model,
        messages=start.messages,
        voice=config.tts_voice,
        tts_model=config.tts_model,
        max_tokens=config.max_reply_tokens,
        temperature=config.temperature,
        fallback_models=config.fallback_models,
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
