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
from bots.config.capabilities import Target
from bots.config.opening_hours import EXAMPLE, BadHours, spans


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
    when = models.TextField(
        "when to use it",
        blank=True,
        max_length=500,
        validators=[MaxLengthValidator(500), rules.plain_text],
        help_text="For the model: “Orders above 1,000 euros.” Empty: never by the "
        "model, only by a key or from the desk.",
    )
    hours = models.CharField(
        "opening hours",
        max_length=200,
        blank=True,
        help_text=f"In the bot's time zone: {EXAMPLE}. Empty: always.",
    )
    rings = models.PositiveSmallIntegerField(
        "rings for",
        default=25,
        validators=[MinValueValidator(5), MaxValueValidator(120)],
        help_text="Seconds until the caller comes back to the bot.",
    )
    announced = models.BooleanField(
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
            spans(self.hours)
        except BadHours as error:
            raise ValidationError({"hours": str(error)}) from error

    def plain(self) -> Target:
        """The target as a call keeps it."""
        return Target(
            name=self.name,
            number=self.number,
            when=self.when,
            hours=self.hours,
            rings=self.rings,
            announced=self.announced,
        )
