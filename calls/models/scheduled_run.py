"""The table of jobs that run once a day."""

from django.db import models


class ScheduledRun(models.Model):
    """A daily job. The row makes sure that one process runs it."""

    name = models.CharField(max_length=20, primary_key=True)
    day = models.DateField(help_text="The latest day for which the job was started.")
    last_seen_at = models.DateTimeField(help_text="The latest sign of progress.")
    done_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.day}"
