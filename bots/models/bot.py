"""Bots, and how they are read with their related rows."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, UniqueConstraint
from simple_history.models import HistoricalRecords

from bots import validators as rules
from bots.models.bot_actions import BotActions
from bots.models.bot_turn_taking import BotTurnTaking
from bots.models.choices import (
    DEFAULT_GREETING,
    DEFAULT_LLM_MODEL,
    DEFAULT_SYSTEM_PROMPT,
    DEFAULT_TTS_MODEL,
    DEFAULT_TTS_VOICE,
    TranscriptionProvider,
)
from bots.models.menu_key import MenuKey
from bots.models.spoken_language import SpokenLanguage
from bots.models.transfer_target import TransferTarget

MAX_RETENTION_DAYS = 3650


# Tables with a bot's own rows, and the path by which each is prefetched.
RELATED_ROWS = {
    "tools": "tools__parameters",
    "targets": "targets",
    "menu_keys": "menu_keys__tool__parameters",
    "languages": "languages",
}


class BotQuerySet(models.QuerySet["Bot"]):
    """Bots, with their related rows or without."""

    def with_related(self) -> BotQuerySet:
        """Include all rows that a call's settings are made of."""
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
            found = [RELATED_ROWS[name] for name in own if getattr(bot, f"has_{name}")]
            more = ["lookup_tool__parameters"] if bot.lookup_tool_id else []
            models.prefetch_related_objects([bot], *more, *found)
        return bot


class Bot(BotTurnTaking, BotActions):
    """What answers a call: a prompt, a model, a voice and its manners on the line."""

    name = models.CharField(
        max_length=80,
        unique=True,
        validators=[rules.plain_text],
        help_text="How you tell your bots apart. Callers never hear it.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="Switched off, its callers hear a polite sentence and the call ends.",
    )
    is_default = models.BooleanField(
        "default",
        default=False,
        help_text="Answers every number that has no bot of its own. At most one bot.",
    )
    system_prompt = models.TextField(
        default=DEFAULT_SYSTEM_PROMPT,
        max_length=rules.PROMPT_MAX_LENGTH,
        validators=rules.PROMPT,
        help_text="Who the bot is, what it knows and how it should speak. All it "
        "writes is read aloud: ask for short plain sentences, no lists or markdown.",
    )
    greeting = models.TextField(
        blank=True,
        default=DEFAULT_GREETING,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Spoken word for word when the call is answered. Leave empty to let "
        "the caller speak first.",
    )
    consent_message = models.TextField(
        "consent sentence",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Spoken before the greeting, to its end whatever the caller does. "
        "The transcript tells that it was. Empty: none.",
    )
    retention_days = models.PositiveSmallIntegerField(
        "keep calls for",
        blank=True,
        default=0,
        validators=[MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text="Days after which a call is deleted with all that was said in it. 0 "
        "keeps calls for good.",
    )
    llm_model = models.CharField(
        "language model",
        max_length=120,
        default=DEFAULT_LLM_MODEL,
        validators=[rules.model_id],
        help_text="Which model writes the answers, as provider/name. Small, fast "
        "models suit the phone best.",
    )
    fallback_models = models.TextField(
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_model],
        help_text="Models to try, in this order, when the first fails. One per line.",
    )
    max_reply_tokens = models.PositiveIntegerField(
        default=300,
        validators=[MinValueValidator(16), MaxValueValidator(4096)],
        help_text="Upper limit for one answer. 100 tokens are about 30 seconds of "
        "speech; an answer that reaches the limit stops mid-sentence.",
    )
    temperature = models.FloatField(
        default=0.7,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="0 answers the same way each time, 1 is lively, more is erratic.",
    )
    tts_voice = models.CharField(
        "voice",
        max_length=120,
        default=DEFAULT_TTS_VOICE,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="Inworld voice id, exactly as written there: Clive, Ashley, Dennis…",
    )
    tts_model = models.CharField(
        "voice model",
        max_length=80,
        default=DEFAULT_TTS_MODEL,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="Inworld speech model, for example inworld-tts-2.",
    )
    early_first_clause = models.BooleanField(
        "start with the first clause",
        default=False,
        help_text="Play an answer's opening clause by itself, while the rest of its "
        "first sentence is still on its way: heard sooner, with a slightly longer "
        "pause after it.",
    )
    language = models.CharField(
        max_length=20,
        default="en-US",
        validators=[rules.language_tag],
        help_text="Language the caller is understood in and the greeting is spoken in, "
        "for example en-US.",
    )
    transcription_provider = models.CharField(
        max_length=20,
        choices=TranscriptionProvider,
        default=TranscriptionProvider.DEEPGRAM,
        help_text="Who turns the caller's speech into text.",
    )
    speech_model = models.CharField(
        max_length=60,
        blank=True,
        validators=[rules.no_spaces, rules.plain_text],
        help_text="The provider's transcription model: nova-3-general or flux for "
        "Deepgram, telephony or long for Google. Empty: the best general one.",
    )
    hints = models.TextField(
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Names and terms callers use, separated by commas, so that they are "
        "recognised: Acme, Dr. Okafor, Rue de Rivoli.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BotQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["created_at", "updated_at"])

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="bots_one_default",
                violation_error_message="Another bot is the default already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a pair of settings that would end every call."""
        rules.of_its_provider(self.speech_model, self.transcription_provider)
        super().clean()
