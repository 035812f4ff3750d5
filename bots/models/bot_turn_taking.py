"""Turn-taking settings of a bot: interruptions, silence, limits, fixed sentences."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots import validators as rules
from bots.models.choices import Interruptible, Sensitivity

MAX_CALL_MINUTES = 240


class BotTurnTaking(models.Model):
    """Settings for when a bot speaks, listens, gives up and transfers."""

    interruptible = models.CharField(
        max_length=10,
        choices=Interruptible,
        default=Interruptible.ANY,
        help_text="How a caller can cut the bot short.",
    )
    interrupt_sensitivity = models.CharField(
        max_length=10,
        choices=Sensitivity,
        default=Sensitivity.MEDIUM,
        help_text="How little it takes to interrupt the bot.",
    )
    dtmf_detection = models.BooleanField(
        "listen for keys",
        default=True,
        help_text="Pass the keys a caller presses on to the bot.",
    )
    backchannels = models.TextField(
        "listening words",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Words that do not interrupt the bot, separated by commas: mhm, "
        "okay, I see. After a question they still count as answers. Empty: the usual "
        "ones of the bot's language.",
    )
    mask_dtmf = models.BooleanField(
        "hide keys",
        default=False,
        help_text="Show dots instead of pressed keys in transcripts, for PINs. The "
        "bot still gets them.",
    )
    idle_timeout_seconds = models.PositiveSmallIntegerField(
        "ask again after",
        default=10,
        validators=[MaxValueValidator(120)],
        help_text="Seconds a caller may stay silent after the bot has finished. 0 "
        "waits for ever.",
    )
    idle_reprompts = models.PositiveSmallIntegerField(
        "ask again at most",
        default=2,
        validators=[MaxValueValidator(10)],
        help_text="How many times to ask a silent caller before saying goodbye.",
    )
    idle_prompt = models.TextField(
        "question to a silent caller",
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Empty: “Are you still there?” in the bot's language.",
    )
    max_call_minutes = models.PositiveSmallIntegerField(
        "longest call",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CALL_MINUTES)],
        help_text="Minutes after which the bot says goodbye. The caller is warned a "
        "minute before.",
    )
    time_limit_message = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said a minute before the longest call ends. Empty: a standing "
        "sentence in the bot's language.",
    )
    goodbye_message = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said before the bot hangs up. Empty: a standing sentence in the "
        "bot's language.",
    )
    apology_message = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said when no answer can be had. Empty: a standing sentence in the "
        "bot's language that asks to repeat.",
    )
    transfer_number = models.CharField(
        max_length=16,
        blank=True,
        validators=[rules.e164],
        help_text="Where callers are put through when the bot fails twice in a row or "
        "the line is full, e.g. +14155550100. Empty: the first of the people below.",
    )
    transfer_notice = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="Said before a caller is put through. Empty: a standing sentence in "
        "the bot's language.",
    )

    class Meta:
        abstract = True
