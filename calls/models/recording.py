"""The tables of recorded sound, and of sound that is still to be deleted."""

from __future__ import annotations

from typing import TypeAlias

from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Index, Q, UniqueConstraint
from django.db.models.functions import Now

from calls.models.call import Call

MAX_PROBLEM_LENGTH = 300


def recording_storage() -> Storage:
    """The folder or bucket of `RECORDING_STORAGE`; never one for public files."""
    return storages["recordings"]


class Recording(models.Model):
    """One stretch of recorded sound. A call has several after a stop and a new start.

    `channels` 2: the caller is heard on the first, the bot on the second.
    """

    BOT_PATHS = ("call__bot",)

    class Source(models.TextChoices):
        TWILIO = "twilio", "Recorded by Twilio"
        LOCAL = "local", "Recorded by this server"

    class Status(models.TextChoices):
        RECORDING = "recording", "Being recorded"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Recorded"
        ABSENT = "absent", "No sound"
        FAILED = "failed", "Failed"
        DELETED = "deleted", "Deleted"

    OPEN = (Status.RECORDING, Status.PAUSED)

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="recordings")
    source = models.CharField(max_length=10, choices=Source, default=Source.TWILIO)
    status = models.CharField(max_length=10, choices=Status, default=Status.RECORDING)
    sid = models.CharField(
        "recording SID",
        max_length=34,
        unique=True,
        null=True,
        blank=True,
        help_text="Twilio's; empty until Twilio has answered, and for our own.",
    )
    account_sid = models.CharField(
        "account SID",
        max_length=34,
        blank=True,
        help_text="The Twilio account that has the call.",
    )
    is_controlled = models.BooleanField(
        default=False, help_text="A session of the call can pause and stop it."
    )
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(default=2)
    file = models.FileField(
        storage=recording_storage,
        max_length=120,
        blank=True,
        help_text="In our own storage; empty while only Twilio has the sound.",
    )
    size = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Of the file, in bytes."
    )
    content_type = models.CharField(max_length=40, blank=True, default="audio/wav")
    peaks = models.JSONField(
        default=list,
        blank=True,
        help_text="Of the waveform: for each channel a list of numbers from 0 to 1.",
    )
    problem = models.CharField(
        max_length=MAX_PROBLEM_LENGTH,
        blank=True,
        help_text="Why there is no sound, or why it could not be fetched yet.",
    )
    fetched_at = models.DateTimeField(null=True, blank=True)
    removed_at_twilio_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker looks at it next; empty: never."
    )
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["call", "started_at", "pk"]
        default_permissions = ("view",)
        indexes = [
            Index(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                name="calls_recording_due",
            )
        ]

    def __str__(self) -> str:
        return self.sid or f"recording {self.pk}"

    @property
    def has_sound(self) -> bool:
        """True if somebody may listen to it now."""
        return self.status == self.Status.COMPLETED


class SoundDeletion(models.Model):
    """Sound that nobody may hear any more, until it is deleted in every place.

    It outlives the call and the recording that it belonged to.
    """

    sid = models.CharField(max_length=34, blank=True, help_text="At Twilio, if any.")
    account_sid = models.CharField(max_length=34, blank=True)
    file = models.CharField(
        max_length=120, blank=True, help_text="In our own storage, if any."
    )
    due_at = models.DateTimeField(db_default=Now(), db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=MAX_PROBLEM_LENGTH, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                fields=["sid", "file"], name="calls_one_deletion_per_sound"
            )
        ]

    def __str__(self) -> str:
        return self.sid or self.file


Status: TypeAlias = Recording.Status
