"""Invitations to the console: made, sent, sent again, withdrawn, accepted."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from bots.models import BotRole
from calls.accounts import mail
from calls.models import Invitation
from calls.public_urls import public_url

DAYS = 7
SUBJECT = "Your invitation to voicebot"
Role = Invitation.Role


def open_invitation(token: str) -> Invitation | None:
    """The invitation that a link leads to, if it still works."""
    found = Invitation.objects.select_related("invited_by")
    invitation = found.filter(digest=_digest(token)).first()
    return invitation if invitation and invitation.is_open else None


def renew(invitation: Invitation, by: Any) -> str:
    """Save it with a new link, which replaces earlier ones; returns the link."""
    token = secrets.token_urlsafe(32)
    invitation.digest = _digest(token)
    invitation.invited_by = by
    invitation.expires_at = timezone.now() + timedelta(days=DAYS)
    invitation.withdrawn_at = invitation.sent_at = None
    invitation.problem = ""
    invitation.save()
    return public_url(reverse("admin:invitation", args=[token]))


def send(invitation: Invitation, link: str) -> str:
    """Send the link, and note how that went; the problem, or nothing."""
    inviter = invitation.invited_by
    message = mail.message(
        invitation.email,
        "invitation",
        SUBJECT,
        name=invitation.name,
        inviter=(inviter.get_full_name() or inviter.get_username()) if inviter else "",
        server=settings.SERVER_HOST,
        link=link,
        days=str(DAYS),
    )
    problem = mail.send(message)
    sent_at = None if problem else timezone.now()
    same = Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest)
    same.update(sent_at=sent_at, problem=problem)
    return problem


def withdraw(pk: int) -> bool:
    """Withdraw an invitation; False if it was accepted or withdrawn before."""
    waiting = Invitation.objects.filter(pk=pk, accepted_at=None, withdrawn_at=None)
    return bool(waiting.update(withdrawn_at=timezone.now()))


@transaction.atomic
def accept(invitation: Invitation, username: str, name: str, password: str) -> Any:
    """The new account; None if the link was used or withdrawn at the same moment."""
    same = Invitation.objects.filter(
        pk=invitation.pk,
        digest=invitation.digest,
        accepted_at=None,
        withdrawn_at=None,
    )
    # Of two requests at once, the database lets one update the row.
    if not same.update(accepted_at=timezone.now()):
        return None
    user = User.objects.create_user(
        username,
        invitation.email,
        password,
        first_name=name,
        is_staff=True,
        is_superuser=invitation.role == Role.SUPERUSER,
    )
    _give_role(user, invitation)
    return user


def _give_role(user: User, invitation: Invitation) -> None:
    if invitation.role == Role.SUPERUSER:
        return
    if invitation.all_bots:
        user.groups.add(Group.objects.get(name=invitation.role))
        return
    BotRole.objects.bulk_create(
        BotRole(user=user, bot=bot, role=invitation.role)
        for bot in invitation.bots.all()
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
