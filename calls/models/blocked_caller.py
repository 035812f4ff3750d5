"""TODO."""

from django.conf import settings as settings_of_django
from django.db import models

from calls.blocking import NOTE_LENGTH, PATTERN_LENGTH, is_pattern


class BlockedCaller(models.Model):
    """A caller, or all whose numbers begin alike, for whom nobody picks up."""

    pattern = models.CharField(
        "number",
        max_length=PATTERN_LENGTH,
        unique=True,
        validators=[is_pattern],
        help_text="A number (+14155550100), how numbers begin (+1900*), sip:… or "
        "client:…, or “anonymous” for everybody who hides their number.",
    )
    note = models.CharField(
        max_length=NOTE_LENGTH, blank=True, help_text="Why, for whoever asks later."
    )
    added_at = models.DateTimeField("blocked on", auto_now_add=True)
    added_by = models.ForeignKey(
        settings_of_django.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="blocked by",
    )

    class Meta:
        ordering = ["-added_at"]

    def __str__(self) -> str:
        return self.pattern
