"""The turns of a call: one row for everything said or done."""

from django.db import models
from django.db.models import UniqueConstraint

from calls.models.call import NOTHING, Call


class Turn(models.Model):
    """One thing said: by the caller, or by the bot."""

    class Role(models.TextChoices):
        CALLER = "caller", "Caller"
        BOT = "bot", "Bot"
        TOOL = "tool", "Tool"
        SYSTEM = "system", "System"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="turns")
    index = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role)
    text = models.TextField(
        blank=True, help_text="What was transcribed, or what the bot wrote."
    )
    heard_text = models.TextField(
        blank=True, help_text="The part of it that was played to the caller."
    )
    interrupted = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    latency_ms = models.JSONField(
        default=dict, help_text="Milliseconds from the caller's last word, by stage."
    )
    clip_ids = models.JSONField(
        default=list, blank=True, help_text="Its clips, playable while they live."
    )
    kind = models.CharField(
        max_length=20,
        blank=True,
        help_text="Set for sentences that no language model wrote, e.g. filler.",
    )
    model = models.CharField(
        max_length=120, blank=True, help_text="The language model that wrote it."
    )
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(
        max_length=300, blank=True, help_text="What went wrong, in plain words."
    )
    tool_call = models.JSONField(
        default=dict,
        db_default=NOTHING,
        blank=True,
        help_text="The use of a tool: its name, what it got.",
    )

    class Meta:
        ordering = ["call", "index"]
        constraints = [
            UniqueConstraint(fields=["call", "index"], name="calls_one_turn_per_index")
        ]

    def __str__(self) -> str:
        return f"{self.index}. {self.role}"
