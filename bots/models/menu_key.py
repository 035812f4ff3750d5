"""Keys of the caller's phone that act at once."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config.capabilities import MenuEntry


class MenuKey(models.Model):
    """One key of a bot's menu and its action."""

    class Action(models.TextChoices):
        SAY = "say", "Say something"
        TRANSFER = "transfer", "Transfer the caller"
        TOOL = "tool", "Use a tool, then answer"
        END = "end", "Say goodbye and hang up"

    bot = models.ForeignKey(
        "bots.Bot", on_delete=models.CASCADE, related_name="menu_keys"
    )
    key = models.CharField(
        max_length=1,
        choices=[(key, key) for key in "0123456789*#"],
        help_text="The key that callers press.",
    )
    action = models.CharField(
        max_length=10, choices=Action, help_text="What happens at once."
    )
    message = models.TextField(
        blank=True,
        max_length=rules.SPEECH_MAX_LENGTH,
        validators=rules.SPOKEN,
        help_text="The text that the bot says for this key.",
    )
    target = models.CharField(
        "transfer to",
        max_length=60,
        blank=True,
        help_text="A name from the list of people. Empty: the first available person.",
    )
    tool = models.ForeignKey(
        "bots.Tool",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="menu_keys",
        help_text="A tool that needs no arguments.",
    )

    class Meta:
        ordering = ["key"]
        constraints = [
            UniqueConstraint(
                fields=["bot", "key"],
                name="bots_key_once",
                violation_error_message="This key already has an action.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_action_display()}"

    def clean(self) -> None:
        """Refuse a key whose action lacks its message or its tool."""
        if self.action == self.Action.SAY and not self.message.strip():
            raise ValidationError({"message": "Write what the bot says."})
        if self.action == self.Action.TOOL:
            if self.tool is None:
                raise ValidationError({"tool": "Choose the tool."})
            if self.tool.parameters.filter(required=True).exists():
                raise ValidationError(
                    {"tool": "This tool needs arguments, and a key has none."}
                )

    def to_config(self) -> MenuEntry:
        """The key as plain data for a call's settings."""
        message_or_target = {
            self.Action.SAY: self.message.strip(),
            self.Action.TRANSFER: self.target,
        }.get(self.Action(self.action), "")
        has_tool = self.action == self.Action.TOOL and self.tool
        tool = self.tool.spec() if has_tool and self.tool else None
        return MenuEntry(self.key, self.action, message_or_target, tool)
