"""Phone numbers and the bots that answer them."""

from django.db import models
from simple_history.models import HistoricalRecords

from bots import validators as rules


class PhoneNumber(models.Model):
    """A number that callers dial, and its bot."""

    BOT_PATHS = ("bot",)

    number = models.CharField(
        max_length=16,
        unique=True,
        validators=[rules.e164],
        help_text="With + and country code, no spaces: +14155550100.",
    )
    label = models.CharField(
        max_length=80,
        blank=True,
        validators=[rules.plain_text],
        help_text="A name for this number, for example “Support line Berlin”.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="If switched off, callers hear a short apology and the call ends.",
    )
    bot = models.ForeignKey(
        "bots.Bot",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="numbers",
        help_text="The bot that answers this number. Empty: the default bot.",
    )

    max_concurrent_calls = models.PositiveSmallIntegerField(
        "calls at once",
        default=0,
        help_text="Further callers hear that the line is busy, or are transferred if "
        "the bot has a transfer number. 0: no limit.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} ({self.label})" if self.label else self.number
