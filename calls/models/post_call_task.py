"""The table of tasks after a call."""

from typing import TypeAlias

from django.db import models
from django.db.models import Index, UniqueConstraint
from django.db.models.functions import Now

from calls.models.call import Call


class PostCallTask(models.Model):
    """A summary or webhook for an ended call, waiting or done."""

    BOT_PATHS = ("call__bot",)

    class Kind(models.TextChoices):
        SUMMARY = "summary", "Summary"
        WEBHOOK = "webhook", "Webhook"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Given up"

    call = models.ForeignKey(
        Call, on_delete=models.CASCADE, related_name="post_call_tasks"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(help_text="Not tried before this time.")
    attempts = models.PositiveSmallIntegerField(default=0)
    log = models.JSONField(
        default=list, help_text="Each attempt: time, duration, result."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "after-call task"
        ordering = ["-pk"]
        indexes = [Index(fields=["state", "due_at"], name="calls_task_due")]
        constraints = [
            UniqueConstraint(fields=["call", "kind"], name="calls_one_task_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.get_state_display()}"


Kind: TypeAlias = PostCallTask.Kind
State: TypeAlias = PostCallTask.State
