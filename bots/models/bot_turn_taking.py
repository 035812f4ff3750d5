"""Turn-taking settings of a bot: interruptions, silence, limits, fixed sentences."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots import validators as rules
from bots.models.choices import Interruptible, Sensitivity

MAX_CALL_MINUTES = 240


class BotTurnTaking(models.Model):
    """Settings for when a bot speaks, listens, gives up and transfers."""

    interruptible = models.CharField(
        "callers can interrupt",
        max_length=10,
        choices=Interruptible,
        default=Interruptible.ANY,
        help_text="How a caller can stop the bot while it speaks.",
    )
    interrupt_sensitivity = models.CharField(
        "sensitivity to interruptions",
        max_length=10,
        choices=Sensitivity,
        default=Sensitivity.MEDIUM,
        help_text="How easily a sound interrupts the bot.",
    )
    dtmf_detection = models.BooleanField(
        "accept key presses",
        default=True,
        help_text="Callers can press keys on their phone, for the menu below or to "
        "answer the bot.",
    )
    echo_filter = models.BooleanField(
        "ignore its own voice",
        default=True,
        help_text="The bot ignores its own words when the caller's loudspeaker sends "
        "them back. Switch off if callers repeat the bot's words and are not heard.",
    )
    mask_dtmf = models.BooleanField(
        "hide pressed keys",
        default=False,
        help_text="Transcripts show dots instead of the pressed keys, for example for "
        "PINs. The bot still receives them.",
    )
    idle_timeout_seconds = models.PositiveSmallIntegerField(
        "remind after (seconds)",
        default=10,
        validators=[MaxValueValidator(120)],
        help_text="How long a caller may be silent after the bot has spoken. 0: no "
        "limit.",
    )
    idle_reprompts = models.PositiveSmallIntegerField(
        "reminders",
        default=2,
        validators=[MaxValueValidator(10)],
        help_text="How many reminders a silent caller hears before the bot says "
        "goodbye.",
    )
    max_call_minutes = models.PositiveSmallIntegerField(
        "maximum length (minutes)",
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CALL_MINUTES)],
        help_text="After this time the bot says goodbye. It warns the caller one "
        "minute before.",
    )
    transfer_number = models.CharField(
        max_length=16,
        blank=True,
        validators=[rules.e164, rules.transferable],
        help_text="Callers are transferred here if the bot fails twice in a row or too "
        "many calls come in at once, for example +14155550100. Empty: the first person "
        "in the list below.",
    )

    class Meta:
        abstract = True
