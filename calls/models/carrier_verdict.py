"""The table of what is known about streaming to each Twilio account."""

from django.db import models


class CarrierVerdict(models.Model):
    """One row per account; `calls.clips.carrier_verdict` says what the values mean."""

    account_sid = models.CharField(max_length=34, primary_key=True)
    verdict = models.CharField(max_length=10, blank=True)
    format = models.CharField(max_length=3, default="wav")
    since = models.DateTimeField(null=True, blank=True)
    calls = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    shown = models.JSONField(
        default=list, help_text="Digests of calls, and what each has shown."
    )

    def __str__(self) -> str:
        return f"{self.account_sid}: {self.verdict or 'not known yet'}"
