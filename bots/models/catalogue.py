"""Inworld's voices and models as they were last fetched."""

from django.db import models


class InworldCatalogue(models.Model):
    """One list of Inworld. Stored, so that it is there when Inworld is not."""

    class Kind(models.TextChoices):
        VOICES = "voices", "Voices"
        MODELS = "models", "Language models"

    kind = models.CharField(max_length=10, choices=Kind, primary_key=True)
    entries = models.JSONField(default=list)
    fetched_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.get_kind_display()
