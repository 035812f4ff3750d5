"""The table of turns."""

from typing import Any

from django.db import models
from django.db.models import UniqueConstraint

from calls.models.call import NOTHING, Call
from calls.models.folding import fold


class FoldedTextField(models.TextField):  # type: ignore[type-arg]
    """The text of the turn as searches compare it, set whenever a turn is saved."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Fold the text."""
        turn: Any = model_instance
        turn.folded_text = fold(turn.text)
        return str(turn.folded_text)


class Turn(models.Model):
    """One contribution to a call: of the caller, the bot, a tool or the system."""

    BOT_PATHS = ("call__bot",)

    class Role(models.TextChoices):
        CALLER = "caller", "Caller"
        BOT = "bot", "Bot"
        TOOL = "tool", "Tool"
        SYSTEM = "system", "System"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="turns")
    index = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role)
    text = models.TextField(blank=True, help_text="The transcribed or generated text.")
    folded_text = FoldedTextField(blank=True, editable=False, db_default="")
    heard_text = models.TextField(
        blank=True, help_text="The part of the text that the caller heard."
    )
    interrupted = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    latency_ms = models.JSONField(
        default=dict, help_text="Milliseconds since the caller's last word, by stage."
    )
    clip_ids = models.JSONField(
        default=list, blank=True, help_text="Its audio clips, until they expire."
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
        max_length=300, blank=True, help_text="The problem, in plain words."
    )
    tool_call = models.JSONField(
        default=dict,
        db_default=NOTHING,
        blank=True,
        help_text="The tool's name, its arguments and its result.",
    )

    hedge = models.JSONField(
        default=dict,
        db_default=NOTHING,
        blank=True,
        help_text="What was used of the other model, if two were asked.",
    )

    class Meta:
        ordering = ["call", "index"]
        constraints = [
            UniqueConstraint(fields=["call", "index"], name="calls_one_turn_per_index")
        ]

    def __str__(self) -> str:
        return f"{self.index}. {self.role}"
