"""The page “Invitations”, for superusers, and the page that an invitation leads to."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from bots.models import Bot
from bots.responses import page as admin_page
from calls.accounts import invitations, mail
from calls.accounts.invitation_forms import AcceptForm, InvitationForm
from calls.audit.recording import Kind, record
from calls.models import Invitation

MAX_SHOWN = 100
BACKEND = "django.contrib.auth.backends.ModelBackend"
GONE = (
    "This invitation no longer works. It was used, withdrawn or sent again, or it is "
    "too old. Ask the person who invited you for a new one."
)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """List the invitations, and make a new one."""
    _require_superuser(request)
    form = InvitationForm(request.POST or None)
    if not form.is_valid():
        return _list(request, form)
    invitation = form.save(commit=False)
    link = invitations.renew(invitation, request.user)
    invitation.bots.set(form.cleaned_data["bots"])
    return _sent(request, invitation, link)


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an invitation with a new link; the one before no longer works."""
    _require_superuser(request)
    invitation = get_object_or_404(Invitation, pk=pk, accepted_at=None)
    return _sent(request, invitation, invitations.renew(invitation, request.user))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw an invitation that was not accepted."""
    _require_superuser(request)
    invitation = get_object_or_404(Invitation, pk=pk)
    if invitations.withdraw(pk):
        record(request, Kind.WITHDRAWN, request.user.get_username(), invitation.email)
        messages.success(request, f"The link for {invitation.email} no longer works.")
    else:
        messages.warning(request, f"{invitation.email} has accepted it already.")
    return redirect("admin:invitations")


def _sent(request: HttpRequest, invitation: Invitation, link: str) -> HttpResponse:
    """Send the mail; where that fails, show the link, this once."""
    record(request, Kind.INVITED, request.user.get_username(), _details(invitation))
    problem = invitations.send(invitation, link)
    if not problem:
        messages.success(request, f"An invitation was sent to {invitation.email}.")
        return redirect("admin:invitations")
    title = "Pass the invitation on"
    context = {"invitation": invitation, "link": link, "problem": problem}
    return admin_page(
        request, "invitation_link.html", title, days=invitations.DAYS, **context
    )


def _list(request: HttpRequest, form: InvitationForm) -> HttpResponse:
    bots = Prefetch("bots", Bot.objects.only("name").order_by("name"))
    found = Invitation.objects.select_related("invited_by").prefetch_related(bots)
    return admin_page(
        request,
        "invitations.html",
        "Invitations",
        form=form,
        invitations=found[:MAX_SHOWN],
        can_send=mail.can_send(),
        days=invitations.DAYS,
    )


def _details(invitation: Invitation) -> str:
    bots = "all bots" if invitation.all_bots else "some bots"
    return f"{invitation.email}: {invitation.role}, {bots}"


def _require_superuser(request: HttpRequest) -> None:
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Make the account of somebody who was invited, and sign them in."""
    invitation = invitations.open_invitation(token)
    if invitation is None:
        return _gone(request)
    names = {"first_name": invitation.name, "username": _suggestion(invitation.email)}
    form = AcceptForm(request.POST or None, initial=names)
    form.instance.email = invitation.email  # passwords like it are refused
    if not form.is_valid():
        title = "Welcome to voicebot"
        return admin_page(
            request, "invitation.html", title, form=form, invitation=invitation
        )
    try:
        user = invitations.accept(invitation, *_entered(form))
    except IntegrityError:  # somebody took the user name at the same moment
        return redirect("admin:invitation", token)
    if user is None:
        return _gone(request)
    record(request, Kind.JOINED, user.get_username(), invitation.email)
    login(request, user, BACKEND)
    return redirect("admin:index")


def _entered(form: AcceptForm) -> tuple[str, str, str]:
    entered: dict[str, Any] = form.cleaned_data
    return entered["username"], entered["first_name"], entered["password1"]


def _suggestion(email: str) -> str:
    """A user name from an address, without signs that Django refuses."""
    name = email.partition("@")[0]
    return "".join(sign for sign in name if sign.isalnum() or sign in ".+-_")


def _gone(request: HttpRequest) -> HttpResponse:
    response = admin_page(request, "link_gone.html", "Invitation", text=GONE)
    response.status_code = 410
    return response
