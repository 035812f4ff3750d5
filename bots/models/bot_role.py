"""The table of roles: what a person may do with one bot."""

from django.conf import settings
from django.db import models


class BotRole(models.Model):
    """A person's role for one bot. Groups hold the roles for all bots."""

    class Role(models.TextChoices):
        OPERATOR = "operator", "Operator"
        VIEWER = "viewer", "Viewer"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bot_roles"
    )
    bot = models.ForeignKey("bots.Bot", on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    class Meta:
        verbose_name = "role for one bot"
        verbose_name_plural = "roles for single bots"
        ordering = ["bot__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "bot"],
                name="bots_one_role_per_bot",
                violation_error_message="This person has a role for this bot already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.bot}"
