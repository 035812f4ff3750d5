"""Forgotten passwords: Django's own views, in our look, by mail."""

from datetime import timedelta
from typing import Any

from axes.helpers import get_client_ip_address
from axes.utils import reset as forget_failures
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from bots.responses import page as admin_page
from calls.accounts import mail
from calls.audit.recording import Kind, record
from calls.models import AuditEvent
from calls.public_urls import public_url

SUBJECT = "A new password for voicebot"
# Mails about one address, and questions from one visitor, within AXES_COOLOFF_TIME.
MAX_MAILS = 3
MAX_QUESTIONS = 5


class AskForm(PasswordResetForm):
    """The mail address of somebody who has forgotten the password."""

    email = forms.EmailField(
        label="Mail address",
        max_length=150,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def get_users(self, email: str) -> Any:
        """People who may sign in, with this address."""
        return (user for user in super().get_users(email) if user.is_staff)

    def send_mails(self) -> str:
        """Send a link to each account with this address."""
        problem = ""
        for user in self.get_users(self.cleaned_data["email"]):
            message = mail.message(
                user.email,
                "password_reset",
                SUBJECT,
                username=user.get_username(),
                server=settings.SERVER_HOST,
                link=link_for(user),
            )
            problem = mail.deliver(message) or problem
        return problem


def link_for(user: Any) -> str:
    """A link with which the user sets a new password. It ends with its use."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return public_url(reverse("admin:new-password", args=[uid, token]))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for the address. The answer is the same whether or not it is known.

    The account is looked up beside the request, so its time tells nothing either.
    """
    has_mail = mail.can_send() or mail.is_printed()
    form = AskForm(request.POST or None) if has_mail else None
    if form is None or not form.is_valid():
        return admin_page(request, "password_ask.html", "Forgotten password", form=form)
    recent = AuditEvent.objects.filter(
        kind=Kind.RESET_ASKED, at__gt=timezone.now() - settings.AXES_COOLOFF_TIME
    )
    if recent.filter(address=get_client_ip_address(request)).count() >= MAX_QUESTIONS:
        return _too_many(request)
    email = form.cleaned_data["email"]
    is_flooded = recent.filter(name__iexact=email).count() >= MAX_MAILS
    record(request, Kind.RESET_ASKED, email)
    if not is_flooded:
        mail.in_background(form.send_mails)
    return admin_page(
        request,
        "password_sent.html",
        "Look into your mail",
        is_printed=mail.is_printed(),
    )


def _too_many(request: HttpRequest) -> HttpResponse:
    wait: timedelta = settings.AXES_COOLOFF_TIME
    response = admin_page(
        request,
        "link_gone.html",
        "Too many questions",
        text="You asked for too many new passwords. Wait "
        f"{wait.seconds // 60} minutes, then try again.",
    )
    response.status_code = 429
    response["Retry-After"] = str(wait.seconds)
    return response


class NewPasswordView(views.PasswordResetConfirmView):
    """Set a new password by a link. Signing in still asks for a code."""

    template_name = "admin/password_new.html"
    success_url = reverse_lazy("admin:login")
    title = "New password"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the frame of the console."""
        frame = admin.site.each_context(self.request)
        return {**frame, **super().get_context_data(**kwargs)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Save it; wrong passwords of the past no longer keep its owner out."""
        response = super().form_valid(form)
        name = form.user.get_username()
        record(self.request, Kind.RESET_DONE, name)
        forget_failures(username=name)
        messages.success(self.request, "Your password is set. Sign in with it.")
        return response


@require_POST
def link_page(request: HttpRequest, object_id: int) -> HttpResponse:
    """Show a superuser a link for somebody who has forgotten the password."""
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied
    user = get_object_or_404(User, pk=object_id, is_active=True)
    if not user.has_usable_password():
        return redirect("admin:auth_user_password_change", user.pk)
    details = f"Link for {user.get_username()}"
    record(request, Kind.RESET_ASKED, request.user.get_username(), details)
    title = f"A new password for {user.get_username()}"
    return admin_page(request, "password_link.html", title, link=link_for(user))
