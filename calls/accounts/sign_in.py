"""Sign-in to the console: password, second factor, and lockout after wrong guesses."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_otp import DEVICE_ID_SESSION_KEY, match_token
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

WRONG_CODE = (
    "That code is not right, was used before, or came too soon after a wrong one. "
    "Wait for the next one and try again."
)
CODE_MISSING = "This account needs a code from the authenticator app as well."
MAX_CODE_LENGTH = 20


class CodeField(forms.CharField):
    """Six digits of an app, or a recovery code; spaces and case do not matter."""

    def __init__(self, **options: Any) -> None:
        attrs = {"autocomplete": "one-time-code", "spellcheck": "false"}
        widget = forms.TextInput(attrs={**attrs, "autocapitalize": "none"})
        super().__init__(max_length=MAX_CODE_LENGTH, widget=widget, **options)

    def to_python(self, value: Any) -> str:
        return "".join((super().to_python(value) or "").split()).lower()


class SignInForm(AdminAuthenticationForm):
    """User name, password, and the code of users who have set up an app."""

    code = CodeField(
        required=False,
        label="Code",
        help_text="From your authenticator app, or a recovery code. "
        "Leave it empty if you have not set one up.",
    )

    def confirm_login_allowed(self, user: Any) -> None:
        """Check the code, after the password."""
        super().confirm_login_allowed(user)
        app = totp_device(user)
        if app is None:
            return
        code = self.cleaned_data.get("code") or ""
        if not code:
            raise forms.ValidationError(CODE_MISSING, code="code_missing")
        if match_token(user, code) is None:
            # Wrong codes count towards a lockout, as wrong passwords do.
            user_login_failed.send(
                __name__, credentials={"username": user.username}, request=self.request
            )
            raise forms.ValidationError(WRONG_CODE, code="wrong_code")
        user.otp_device = app  # django-otp notes it in the new session


def totp_device(user: Any) -> TOTPDevice | None:
    """The authenticator app that a user has set up."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(
        user_id=user.pk, confirmed=True
    ).first()
    return device


def has_second_factor(user: Any, session: Any) -> bool:
    """True if the session was started with a code, or the user needs none."""
    app = totp_device(user)
    if app is None:
        return not settings.ADMIN_REQUIRE_TOTP
    is_verified: bool = session.get(DEVICE_ID_SESSION_KEY) == app.persistent_id
    return is_verified


@transaction.atomic
def reset_two_factor(user: Any) -> bool:
    """Delete a user's app and recovery codes. Returns False if there were none."""
    removed = [
        kind.objects.filter(user=user).delete()[0]
        for kind in (TOTPDevice, StaticDevice)
    ]
    return any(removed)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """The page after too many failed attempts, for django-axes."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {**admin.site.each_context(request), "minutes": minutes}
    page = render(request, "admin/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page
