"""People that callers can be transferred to."""

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

# Seven days with four spans each.
MAX_HOURS_LENGTH = 500


class TransferTarget(models.Model):
    """A person or team that one bot transfers callers to."""

    bot = models.ForeignKey(
        "bots.Bot", on_delete=models.CASCADE, related_name="targets"
    )
    name = models.CharField(
        max_length=60,
        validators=[rules.plain_text],
        help_text="The name that callers use: Sales, Dr. Okafor.",
    )
    number = models.CharField(
        max_length=16, validators=[rules.e164, rules.transferable]
    )
    when_to_use = models.TextField(
        "when to transfer",
        blank=True,
        max_length=500,
        validators=[MaxLengthValidator(500), *rules.FILLED],
        help_text="Tells the bot when to transfer a caller: “Orders above 1,000 "
        "euros.” Empty: only a key or an operator transfers callers.",
    )
    opening_hours = models.CharField(
        max_length=MAX_HOURS_LENGTH,
        blank=True,
        help_text=f"In the bot's time zone: {EXAMPLE}. Empty: always.",
    )
    ring_seconds = models.PositiveSmallIntegerField(
        "ring time (seconds)",
        default=25,
        validators=[MinValueValidator(5), MaxValueValidator(120)],
        help_text="If nobody answers within this time, the caller returns to the bot.",
    )
    announce = models.BooleanField(
        "announce the caller",
        default=True,
        help_text="The person hears why the caller is calling and presses 1 to take "
        "the call. If switched off, an answering machine can take the call.",
    )

    class Meta:
        ordering = ["pk"]
        verbose_name = "person to transfer to"
        verbose_name_plural = "people to transfer to"
        constraints = [
            UniqueConstraint(
                fields=["bot", "name"],
                name="bots_target_once",
                violation_error_message="The bot already has a person with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse opening hours that cannot be read."""
        try:
            parse_spans(self.opening_hours)
        except BadHours as error:
            raise ValidationError({"opening_hours": str(error)}) from error

    def to_config(self) -> capabilities.TransferTarget:
        """The person as plain data for a call's settings."""
        return capabilities.TransferTarget(
            name=self.name,
            number=self.number,
            when_to_use=self.when_to_use,
            opening_hours=self.opening_hours,
            ring_seconds=self.ring_seconds,
            announce=self.announce,
        )
