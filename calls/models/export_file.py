"""The tables of exported files: large ones, which a worker makes."""

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint
from django.db.models.functions import Now


class ExportFile(models.Model):
    """A file of many calls for the person who asked for it, being made or ready.

    Its content is in the database, because the processes of a deployment, on one
    machine or several, share nothing else that outlives a restart.
    """

    class State(models.TextChoices):
        MAKING = "making", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(max_length=80)
    form = models.CharField(max_length=10)
    call_ids = models.BinaryField(help_text="Keys of the calls, eight bytes each.")
    columns = models.JSONField(
        default=list, help_text="Names of the columns that only some calls have."
    )
    call_count = models.PositiveIntegerField()
    hides_numbers = models.BooleanField(help_text="As for the person who asked.")
    bots = models.JSONField(
        null=True, help_text="Keys of the bots whose calls it may have; null: all."
    )
    state = models.CharField(max_length=10, choices=State, default=State.MAKING)
    written = models.PositiveIntegerField(default=0, help_text="Calls in it so far.")
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    problem = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(
        db_default=Now(), help_text="Until then, one process has it for itself."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ExportPiece(models.Model):
    """A part of a file, compressed."""

    file = models.ForeignKey(
        ExportFile, on_delete=models.CASCADE, related_name="pieces"
    )
    index = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            UniqueConstraint(fields=["file", "index"], name="calls_one_piece_per_index")
        ]

    def __str__(self) -> str:
        return f"{self.file_id}: {self.index}"
