"""The tables of what operators write about a call: notes and tags."""

from django.conf import settings
from django.db import models
from django.db.models import Index, UniqueConstraint
from django.db.models.functions import Now

from calls.models.call import Call

MAX_NOTE_LENGTH = 2000
MAX_TAG_LENGTH = 40


class CallNote(models.Model):
    """A note of an operator. It goes with its call."""

    BOT_PATHS = ("call__bot",)

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=MAX_NOTE_LENGTH)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Note {self.pk}"


class CallTag(models.Model):
    """A word by which operators find calls again. It goes with its last call."""

    BOT_PATHS = ("call__bot",)

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=MAX_TAG_LENGTH)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [
            UniqueConstraint(fields=["call", "name"], name="calls_one_tag_per_name")
        ]
        indexes = [Index(fields=["name", "call"], name="calls_tag_name")]

    def __str__(self) -> str:
        return self.name
