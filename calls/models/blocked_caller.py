"""The table of blocked callers."""

from django.conf import settings as settings_of_django
from django.db import models

from calls.blocking import NOTE_LENGTH, PATTERN_LENGTH, is_pattern


class BlockedCaller(models.Model):
    """A caller whose calls are rejected, or all callers whose numbers begin alike."""

    pattern = models.CharField(
        "number",
        max_length=PATTERN_LENGTH,
        unique=True,
        validators=[is_pattern],
        help_text="A number (+14155550100), the beginning of numbers (+1900*), sip:… "
        "or client:…, or “anonymous” for all callers who hide their number.",
    )
    note = models.CharField(
        max_length=NOTE_LENGTH, blank=True, help_text="The reason, for colleagues."
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
