"""What keys of the caller's phone do."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config.capabilities import MenuEntry


class MenuKey(models.Model):
    """One key of one bot, and what happens at once when it is pressed."""

    class Action(models.TextChoices):
        SAY = "say", "Say something"
        TRANSFER = "transfer", "Put the caller through"
        TOOL = "tool", "Use a tool, then answer"
        END = "end", "Say goodbye and hang up"

    bot = models.ForeignKey(
        "bots.Bot", on_delete=models.CASCADE, related_name="menu_keys"
    )
    key = models.CharField(max_length=1, choices=[(key, key) for key in "0123456789*#"])
    action = models.CharField("what it does", max_length=10, choices=Action)
    message = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="What to say, where it says something.",
    )
    target = models.CharField(
        "put through to",
        max_length=60,
        blank=True,
        help_text="A name from the list of people. Empty: the first who is there.",
    )
    tool = models.ForeignKey(
        "bots.Tool", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        ordering = ["key"]
        constraints = [
            UniqueConstraint(
                fields=["bot", "key"],
                name="bots_key_once",
                violation_error_message="That key does something already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_action_display()}"

    def clean(self) -> None:
        """Refuse a key that would do nothing."""
        if self.action == self.Action.SAY and not self.message.strip():
            raise ValidationError({"message": "Write what it says."})
        if self.action == self.Action.TOOL:
            if self.tool is None:
                raise ValidationError({"tool": "Choose the tool."})
            if self.tool.parameters.filter(required=True).exists():
                raise ValidationError(
                    {"tool": "It needs arguments, and a key brings none."}
                )

    def to_config(self) -> MenuEntry:
        """The key as a call keeps it."""
        what = {
            self.Action.SAY: self.message.strip(),
            self.Action.TRANSFER: self.target,
        }
        uses_tool = self.action == self.Action.TOOL and self.tool
        return MenuEntry(
            self.key,
            self.action,
            what.get(self.Action(self.action), ""),
            self.tool.spec() if uses_tool and self.tool else None,
        )
