"""The table of saved views of the list of calls."""

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint
from django.db.models.functions import Lower

MAX_NAME_LENGTH = 60
MAX_QUERY_LENGTH = 2000


class SavedView(models.Model):
    """Filters and search of the list of calls, under a name."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    name = models.CharField(max_length=MAX_NAME_LENGTH)
    query = models.CharField(
        max_length=MAX_QUERY_LENGTH, help_text="The parameters of the list's address."
    )
    is_shared = models.BooleanField(default=False, help_text="Everybody sees it.")

    class Meta:
        ordering = [Lower("name"), "pk"]
        default_permissions = ()
        constraints = [
            UniqueConstraint(fields=["user", "name"], name="calls_one_view_per_name")
        ]

    def __str__(self) -> str:
        return self.name
