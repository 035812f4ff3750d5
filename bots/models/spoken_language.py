"""Further languages of a bot. It switches when a caller asks for one."""

from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config.capabilities import Language
from bots.models.choices import TranscriptionProvider


class SpokenLanguage(models.Model):
    """One further language of a bot, with its voice and speech recognition."""

    bot = models.ForeignKey(
        "bots.Bot", on_delete=models.CASCADE, related_name="languages"
    )
    language = models.CharField(
        max_length=20,
        validators=[rules.language_tag],
        help_text="A language code, for example de-DE.",
    )
    voice = models.CharField(
        max_length=120,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="An Inworld voice that speaks this language.",
    )
    tts_model = models.CharField(
        "voice model",
        max_length=80,
        blank=True,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="Empty: the bot's voice model.",
    )
    transcription_provider = models.CharField(
        "speech recognition",
        max_length=20,
        blank=True,
        choices=TranscriptionProvider,
        help_text="Empty: the bot's speech recognition.",
    )
    speech_model = models.CharField(
        "speech recognition model",
        max_length=60,
        blank=True,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="Empty: the best general model.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["bot", "language"],
                name="bots_language_once",
                violation_error_message="The bot already speaks this language.",
            )
        ]

    def __str__(self) -> str:
        return self.language

    def clean(self) -> None:
        """Refuse a speech model of another provider."""
        if self.transcription_provider:
            rules.check_speech_model(self.speech_model, self.transcription_provider)

    def to_config(self) -> Language:
        """The language as plain data for a call's settings."""
        return Language(
            language=self.language,
            voice=self.voice,
            tts_model=self.tts_model,
            transcription_provider=self.transcription_provider,
            speech_model=self.speech_model,
        )
