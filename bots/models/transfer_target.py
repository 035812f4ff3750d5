"""People that callers can be put through to."""

from django.core.exceptions import ValidationError
from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinValueValidator,
)
from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config import capabilities
from bots.config.opening_hours import EXAMPLE, BadHours, parse_spans


class TransferTarget(models.Model):
    """A person or team of one bot, and when callers are theirs."""

    bot = models.ForeignKey(
        "bots.Bot", on_delete=models.CASCADE, related_name="targets"
    )
    name = models.CharField(
        max_length=60,
        validators=[rules.plain_text],
        help_text="As callers know it: Sales, Dr. Okafor.",
    )
    number = models.CharField(max_length=16, validators=[rules.e164])
    when_to_use = models.TextField(
        "when to use it",
        blank=True,
        max_length=500,
        validators=[MaxLengthValidator(500), rules.plain_text],
        help_text="For the model: “Orders above 1,000 euros.” Empty: never by the "
        "model, only by a key or from the desk.",
    )
    opening_hours = models.CharField(
        "opening hours",
        max_length=200,
        blank=True,
        help_text=f"In the bot's time zone: {EXAMPLE}. Empty: always.",
    )
    ring_seconds = models.PositiveSmallIntegerField(
        "rings for",
        default=25,
        validators=[MinValueValidator(5), MaxValueValidator(120)],
        help_text="Seconds until the caller comes back to the bot.",
    )
    announce = models.BooleanField(
        "announce the caller",
        default=True,
        help_text="Who picks up hears what it is about and presses 1 to take the "
        "call. Without it, an answering machine takes calls, too.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["bot", "name"],
                name="bots_target_once",
                violation_error_message="The bot has somebody of that name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse opening hours that are not understood."""
        try:
            parse_spans(self.opening_hours)
        except BadHours as error:
            raise ValidationError({"opening_hours": str(error)}) from error

    def to_config(self) -> capabilities.TransferTarget:
        """The target as a call keeps it."""
        return capabilities.TransferTarget(
            name=self.name,
            number=self.number,
            when_to_use=self.when_to_use,
            opening_hours=self.opening_hours,
            ring_seconds=self.ring_seconds,
            announce=self.announce,
        )
