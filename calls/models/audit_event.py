"""The table of sign-ins and exports."""

from django.db import models

MAX_TEXT_LENGTH = 150


class AuditEvent(models.Model):
    """Something that matters to who may come in, or what went out.

    Sign-ins and lock-outs, invitations, new passwords, changes of two-factor sign-in
    and of the console's settings, exports, recordings that somebody played, outages.

    It names an account and does not point to it: failed sign-ins have made-up names,
    and events outlive their account.
    """

    class Kind(models.TextChoices):
        SIGNED_IN = "signed-in", "Signed in"
        FAILED = "failed", "Sign-in failed"
        SIGNED_OUT = "signed-out", "Signed out"
        LOCKED_OUT = "locked-out", "Locked out"
        TWO_FACTOR = "two-factor", "Two-factor sign-in changed"
        EXPORTED = "exported", "Exported"
        INVITED = "invited", "Invited"
        WITHDRAWN = "withdrawn", "Invitation withdrawn"
        JOINED = "joined", "Invitation accepted"
        RESET_ASKED = "reset-asked", "New password asked for"
        RESET_DONE = "reset-done", "Password set by a link"
        SETTINGS = "settings", "Settings changed"
        LISTENED = "listened", "Recording played"
        OUTAGE = "outage", "Outage announced or ended"

    at = models.DateTimeField("time", auto_now_add=True, db_index=True)
    kind = models.CharField("event", max_length=12, choices=Kind)
    name = models.CharField("user name", max_length=MAX_TEXT_LENGTH, blank=True)
    address = models.GenericIPAddressField(
        null=True, help_text="Of the visitor; of an IPv6 address its network."
    )
    details = models.CharField(max_length=MAX_TEXT_LENGTH, blank=True)

    class Meta:
        verbose_name = "sign-in or export"
        verbose_name_plural = "sign-ins and exports"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name or 'nobody'}"
