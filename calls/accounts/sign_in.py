"""Sign-in to the console: password, second factor, and lockout after wrong guesses."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from calls.accounts.second_factor import is_right_code, totp_device

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
        if not is_right_code(user, app, code):
            # Wrong codes count towards a lockout, as wrong passwords do.
            user_login_failed.send(
                __name__, credentials={"username": user.username}, request=self.request
            )
            raise forms.ValidationError(WRONG_CODE, code="wrong_code")
        user.otp_device = app  # django-otp notes it in the new session


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """The page after too many failed attempts, for django-axes."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {**admin.site.each_context(request), "minutes": minutes}
    page = render(request, "admin/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page
