"""TODO."""

from bots.config.bot_config import BotConfig
from bots.inworld.client import ReplyRequest, SpeechRequest
from calls.conversation.actions import StartReply


def reply_request(profile: BotConfig, start: StartReply) -> ReplyRequest:
    """What a bot asks the Router for, of its own model unless another is named."""
    return ReplyRequest(
        model=start.model or profile.llm_model,
        messages=start.messages,
        voice=profile.tts_voice,
        tts_model=profile.tts_model,
        max_tokens=profile.max_reply_tokens,
        temperature=profile.temperature,
        fallback_models=profile.fallback_models,
        functions=start.functions,
        must_speak=start.must_speak,
    )


def voicing(profile: BotConfig, text: str, sample_rate: int) -> SpeechRequest:
    """What a bot asks the TTS API for."""
    return SpeechRequest(
        text=text,
        voice=profile.tts_voice,
        model=profile.tts_model,
        language=profile.language,
        sample_rate=sample_rate,
    )
