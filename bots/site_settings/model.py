"""The table of the settings that superusers change in the console. It has one row."""

from django.conf import settings
from django.db import models

from bots.site_settings.dates import DateStyle

ONLY_ROW = 1


class SiteSettings(models.Model):
    """Settings of the whole console. What is empty here comes from `.env`."""

    time_zone = models.CharField(max_length=60, null=True, blank=True)  # noqa: DJ001
    mask_caller_numbers = models.BooleanField(null=True, blank=True)
    retention_days = models.PositiveSmallIntegerField(null=True, blank=True)
    date_style = models.CharField(  # noqa: DJ001
        max_length=10, choices=DateStyle, null=True, blank=True
    )
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(pk=ONLY_ROW), name="bots_one_row_of_settings"
            )
        ]

    def __str__(self) -> str:
        return "Settings of the console"
