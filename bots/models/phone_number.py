"""The numbers that callers dial."""

from django.db import models
from simple_history.models import HistoricalRecords

from bots import validators as rules


class PhoneNumber(models.Model):
    """A number callers dial, and the bot that answers it."""

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
        help_text="What this number is for, for example “Support line Berlin”.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="Switched off, callers hear a polite sentence and the call ends.",
    )
    bot = models.ForeignKey(
        "bots.Bot",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="numbers",
        help_text="Who answers. Without one, the default bot does.",
    )

    max_concurrent_calls = models.PositiveSmallIntegerField(
        "calls at once",
        default=0,
        help_text="Further callers hear that the line is busy, or are put through "
        "where the bot has a number for that. 0: as many as the server takes.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} ({self.label})" if self.label else self.number
