"""The table of invitations to the console."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from bots.models import Bot


class Invitation(models.Model):
    """An invitation by mail: whom, for which role, and what became of it.

    The link has a secret, of which only a digest is stored. It works once, until it
    expires or is withdrawn, and while the person who sent it is a superuser.
    """

    class Role(models.TextChoices):
        OPERATOR = "operator", "Operator"
        VIEWER = "viewer", "Viewer"
        SUPERUSER = "superuser", "Superuser"

    class State(models.TextChoices):
        WAITING = "waiting", "Not accepted yet"
        UNSENT = "unsent", "Not sent"
        ACCEPTED = "accepted", "Accepted"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    email = models.EmailField("mail address")
    name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.OPERATOR)
    all_bots = models.BooleanField("for all bots", default=True)
    bots = models.ManyToManyField(Bot, blank=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True, help_text="Of the secret.")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.email

    @property
    def state(self) -> "Invitation.State":
        """Its state, from the times at which something became of it."""
        if self.accepted_at:
            return self.State.ACCEPTED
        if self.withdrawn_at:
            return self.State.WITHDRAWN
        if self.expires_at <= timezone.now():
            return self.State.EXPIRED
        return self.State.WAITING if self.sent_at else self.State.UNSENT

    @property
    def is_open(self) -> bool:
        """True while its link works."""
        by = self.invited_by
        may_invite = by is not None and by.is_active and by.is_superuser
        return may_invite and self.state in (self.State.WAITING, self.State.UNSENT)
