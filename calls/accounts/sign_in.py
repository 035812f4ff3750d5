"""Signing in to the desk: a password, a code where one was set up, and no guessing."""

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
    """Six digits of an app, or a recovery code; spaces and capitals do not matter."""

    def __init__(self, **options: Any) -> None:
        look = {"autocomplete": "one-time-code", "spellcheck": "false"}
        widget = forms.TextInput(attrs={**look, "autocapitalize": "none"})
        super().__init__(max_length=MAX_CODE_LENGTH, widget=widget, **options)

    def to_python(self, value: Any) -> str:
        """The code without what people put into it."""
        return "".join((super().to_python(value) or "").split()).lower()


class SignInForm(AdminAuthenticationForm):
    """Name, password, and the code of those who have set up an app."""

    code = CodeField(
        required=False,
        label="Code",
        help_text="From your authenticator app, or a recovery code. "
        "Empty if you have set up none.",
    )

    def confirm_login_allowed(self, user: Any) -> None:
        """Ask for the code only once the password was right."""
        super().confirm_login_allowed(user)
        app = totp_device(user)
        if app is None:
            return
        code = self.cleaned_data.get("code") or ""
        if not code:
            raise forms.ValidationError(CODE_MISSING, code="code_missing")
        if match_token(user, code) is None:
            # Guessed codes lock out as guessed passwords do.
            user_login_failed.send(
                __name__, credentials={"username": user.username}, request=self.request
            )
            raise forms.ValidationError(WRONG_CODE, code="wrong_code")
        user.otp_device = app  # the session that begins now is told


def totp_device(user: Any) -> TOTPDevice | None:
    """The authenticator app that a person has set up."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(
        user_id=user.pk, confirmed=True
    ).first()
    return found


def has_second_factor(user: Any, session: Any) -> bool:
    """Whether this session was begun with the code, where one is asked for."""
    app = totp_device(user)
    if app is None:
        return not settings.ADMIN_REQUIRE_TOTP
    known: bool = session.get(DEVICE_ID_SESSION_KEY) == app.persistent_id
    return known


@transaction.atomic
def reset_two_factor(user: Any) -> bool:
    """Let a person in with the password alone; whether there was more than that."""
    removed = [
        kind.objects.filter(user=user).delete()[0]
        for kind in (TOTPDevice, StaticDevice)
    ]
    return any(removed)


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """Say in plain words that there were too many attempts."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    shown = {**admin.site.each_context(request), "minutes": minutes}
    page = render(request, "admin/locked_out.html", shown, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page
