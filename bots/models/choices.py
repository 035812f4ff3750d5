"""Choices and first values of a bot's settings."""

from django.db import models

DEFAULT_SYSTEM_PROMPT = (
    "You are a friendly assistant answering the phone. Everything you write is spoken "
    "aloud, so answer in one to three short, plain sentences: no lists, no markdown, "
    "no emoji. Write numbers, dates and amounts the way they are said. Ask one "
    "question at a time. When you do not know something, say so."
)
DEFAULT_GREETING = "Hello, thanks for calling. How can I help you today?"
DEFAULT_LLM_MODEL = "openai/gpt-4.1-mini"
DEFAULT_TTS_VOICE = "Clive"
DEFAULT_TTS_MODEL = "inworld-tts-2"


class TranscriptionProvider(models.TextChoices):
    DEEPGRAM = "Deepgram"
    GOOGLE = "Google"


class Interruptible(models.TextChoices):
    NONE = "none", "Never"
    DTMF = "dtmf", "By pressing a key"
    SPEECH = "speech", "By speaking"
    ANY = "any", "By speaking or pressing a key"


class Recording(models.TextChoices):
    NEVER = "never", "Never"
    ALWAYS = "always", "Always, from the first second"
    CONSENT = "consent", "After the caller's consent"


class Sensitivity(models.TextChoices):
    LOW = "low", "Low: for noisy places and speakerphones"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High: stops at the slightest sound"
