"""TODO."""

from django.db import models


class ScheduledRun(models.Model):
    """What is done once a day, by whichever process takes it."""

    name = models.CharField(max_length=20, primary_key=True)
    day = models.DateField(help_text="The day it was last begun for.")
    last_seen_at = models.DateTimeField(help_text="When it was last seen at work.")
    done_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.day}"
