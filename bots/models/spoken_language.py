"""Further languages of a bot. It switches when a caller asks for one."""

from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config.capabilities import Language
from bots.config.phrasebook import NAMES
from bots.models.choices import TranscriptionProvider
from bots.models.fixed_sentences import FixedSentences


class SpokenLanguage(FixedSentences):
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
    backup_voice = models.CharField(
        "backup voice",
        max_length=60,
        blank=True,
        validators=[rules.google_voice],
        help_text="A Google voice with which Twilio speaks when our own voice cannot "
        "be reached. Empty: one in this language.",
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
        help_text="Empty: Twilio chooses the best general model.",
    )
    hints = models.TextField(
        "names and terms",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Words that speech recognition may miss in this language, separated "
        "by commas. Empty: the bot's names and terms.",
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
        """Refuse a speech model or a voice for which Twilio would end the call."""
        rules.check_language(
            self.language,
            self.transcription_provider or self.bot.transcription_provider,
            self.speech_model,
            self.backup_voice,
        )

    def to_config(self) -> Language:
        """The language as plain data for a call's settings."""
        return Language(
            language=self.language,
            voice=self.voice,
            tts_model=self.tts_model,
            backup_voice=self.backup_voice,
            transcription_provider=self.transcription_provider,
            speech_model=self.speech_model,
            hints=self.hints,
            sentences={name: text for name in NAMES if (text := getattr(self, name))},
        )
