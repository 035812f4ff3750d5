"""The Bot table, and the queries that fetch bots with their related rows."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, UniqueConstraint

from bots import validators as rules
from bots.models.bot_actions import BotActions
from bots.models.bot_turn_taking import BotTurnTaking
from bots.models.choices import (
    DEFAULT_GREETING,
    DEFAULT_LLM_MODEL,
    DEFAULT_SYSTEM_PROMPT,
    DEFAULT_TTS_MODEL,
    DEFAULT_TTS_VOICE,
    Recording,
    TranscriptionProvider,
)
from bots.models.fixed_sentences import FixedSentences
from bots.models.menu_key import MenuKey
from bots.models.spoken_language import SpokenLanguage
from bots.models.transfer_target import TransferTarget
from bots.models.version_rows import RecordsWithRows

MAX_RETENTION_DAYS = 3650
NO_CONSENT_MESSAGE = (
    "Calls are recorded after consent, so callers must hear what they agree to. For "
    "example: “We record this call. Press 1 if you agree.”"
)


# A bot's related rows: relation name and prefetch path.
RELATED_ROWS = {
    "tools": "tools__parameters",
    "targets": "targets",
    "menu_keys": "menu_keys__tool__parameters",
    "languages": "languages",
}


class BotQuerySet(models.QuerySet["Bot"]):
    """Queries for bots with or without their related rows."""

    def with_related(self) -> BotQuerySet:
        """Fetch every related row that a call's settings need."""
        related = self.select_related("lookup_tool", "webhook_secret")
        return related.prefetch_related(
            "lookup_tool__parameters", *RELATED_ROWS.values()
        )

    def first_with_related(self) -> Bot | None:
        """The first bot with its related rows; queries only tables that have some."""
        own = {
            "tools": self.model.tools.through.objects.filter(bot=OuterRef("pk")),
            "targets": TransferTarget.objects.filter(bot=OuterRef("pk")),
            "menu_keys": MenuKey.objects.filter(bot=OuterRef("pk")),
            "languages": SpokenLanguage.objects.filter(bot=OuterRef("pk")),
        }
        has = {f"has_{name}": Exists(rows) for name, rows in own.items()}
        related = self.select_related("lookup_tool", "webhook_secret").annotate(**has)
        if bot := related.first():
            paths = [RELATED_ROWS[name] for name in own if getattr(bot, f"has_{name}")]
            if bot.lookup_tool_id:
                paths.append("lookup_tool__parameters")
            models.prefetch_related_objects([bot], *paths)
        return bot


class Bot(BotTurnTaking, BotActions, FixedSentences):
    """A voice bot: instructions, AI model, voice and rules for the conversation."""

    BOT_PATHS = ("pk",)

    name = models.CharField(
        max_length=80,
        unique=True,
        validators=[rules.plain_text],
        help_text="Only you see this name. Callers do not hear it.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="If switched off, callers hear a short apology and the call ends.",
    )
    is_default = models.BooleanField(
        "default bot",
        default=False,
        help_text="Answers every number that has no bot of its own, in place of the "
        "bot that does so now.",
    )
    system_prompt = models.TextField(
        "instructions",
        default=DEFAULT_SYSTEM_PROMPT,
        max_length=rules.PROMPT_MAX_LENGTH,
        validators=rules.PROMPT,
        help_text="Tell the bot its role, the facts it needs and how to speak. Its "
        "answers are read aloud, so ask for short, plain sentences without lists.",
    )
    greeting = models.TextField(
        blank=True,
        default=DEFAULT_GREETING,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="The bot says this, word for word, when it answers a call. Leave "
        "empty to let the caller speak first.",
    )
    consent_message = models.TextField(
        "consent message",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said before the greeting, for example that the call is recorded. "
        "Callers cannot interrupt it. The transcript shows that it was said. Empty: no "
        "message.",
    )
    recording = models.CharField(
        "record calls",
        max_length=10,
        choices=Recording,
        default=Recording.NEVER,
        help_text="Caller and bot, by Twilio. If your law asks for it, tell callers so "
        "in a consent message. Recording pauses while callers type hidden digits, and "
        "ends when they are transferred to a person.",
    )
    recording_consent_key = models.CharField(
        "key for consent",
        max_length=1,
        blank=True,
        choices=[(key, key) for key in "0123456789*#"],
        help_text="The key that callers press to agree, as the consent message tells "
        "them. Empty: they agree by staying on the line until the message has ended.",
    )
    retention_days = models.PositiveSmallIntegerField(
        "keep calls for (days)",
        blank=True,
        default=0,
        validators=[MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text="Older calls are deleted with their transcript. 0: as long as the "
        "page Settings says.",
    )
    llm_model = models.CharField(
        "AI model",
        max_length=120,
        default=DEFAULT_LLM_MODEL,
        validators=[rules.model_id],
        help_text="The model that writes the answers, as provider/name. Small, fast "
        "models are best for phone calls.",
    )
    fallback_models = models.TextField(
        "backup models",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_model],
        help_text="Used in this order if the AI model fails. One per line.",
    )
    hedge = models.BooleanField(
        "faster first words",
        default=True,
        help_text="If the AI model takes longer than usual, the first backup model is "
        "asked at the same time. The caller hears the one that speaks first. The other "
        "one is stopped; you pay for the part that it has written. Without backup "
        "models it has no effect.",
    )
    max_reply_tokens = models.PositiveIntegerField(
        "maximum answer length (tokens)",
        default=300,
        validators=[MinValueValidator(16), MaxValueValidator(4096)],
        help_text="A token is a part of a word: 100 are about 30 seconds of speech. An "
        "answer that reaches the limit stops in the middle of a sentence.",
    )
    temperature = models.FloatField(
        blank=True,
        null=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="How varied the answers are. 0: almost the same every time. 1: "
        "lively. Higher values: erratic. Empty: the AI model's own value. Some models "
        "allow no other; a value is then left out.",
    )
    tts_voice = models.CharField(
        "voice",
        max_length=120,
        default=DEFAULT_TTS_VOICE,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="The name of an Inworld voice, for example Clive, Ashley or Dennis.",
    )
    tts_model = models.CharField(
        "voice model",
        max_length=80,
        default=DEFAULT_TTS_MODEL,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="The Inworld model that produces the voice, for example "
        "inworld-tts-2.",
    )
    backup_voice = models.CharField(
        "backup voice",
        max_length=60,
        blank=True,
        validators=[rules.google_voice],
        help_text="A Google voice, for example en-US-Chirp3-HD-Kore. Twilio speaks "
        "with it when our own voice cannot be reached. Empty: one in the bot's "
        "language.",
    )
    language = models.CharField(
        max_length=20,
        default="en-US",
        validators=[rules.language_tag],
        help_text="The language that the bot speaks and understands, for example "
        "en-US.",
    )
    transcription_provider = models.CharField(
        "speech recognition",
        max_length=20,
        choices=TranscriptionProvider,
        default=TranscriptionProvider.DEEPGRAM,
        help_text="The service that turns the caller's speech into text.",
    )
    speech_model = models.CharField(
        "speech recognition model",
        max_length=60,
        blank=True,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="For Deepgram nova-3-general or flux, for Google telephony or long. "
        "Empty: Twilio chooses the best general model.",
    )
    hints = models.TextField(
        "names and terms",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Words that callers use and speech recognition may miss, separated "
        "by commas: Acme, Dr. Okafor, Rue de Rivoli.",
    )
    # Switched by a button, not in the form: the next call switches it off again.
    trace_next_call = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BotQuerySet.as_manager()
    history = RecordsWithRows(
        excluded_fields=["created_at", "updated_at", "trace_next_call"]
    )

    # The lists that are part of a version.
    row_lists = ("tools", "targets", "menu_keys", "languages")

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="bots_one_default",
                violation_error_message="Another bot is already the default.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a speech model or a voice for which Twilio would end every call."""
        rules.check_language(
            self.language,
            self.transcription_provider,
            self.speech_model,
            self.backup_voice,
        )
        if self.recording == Recording.CONSENT and not self.consent_message.strip():
            raise ValidationError({"consent_message": NO_CONSENT_MESSAGE})
        super().clean()
