"""Forms of the sign-in: password, then second factor, and lockout after guesses."""

from typing import Any

from axes.helpers import get_client_ip_address
from axes.models import AccessAttempt
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from calls.accounts.second_factor import is_right_code, totp_device
from calls.models import AuditEvent

WRONG_CODE = (
    "That code is not right, was used before, or came too soon after a wrong one. "
    "Wait for the next one and try again."
)
TOO_MANY_EVERYWHERE = (
    "There were too many wrong passwords for this name. Wait 15 minutes, or sign in "
    "from a place where you have signed in before."
)
MAX_CODE_LENGTH = 20
# Failures of one name from all addresses within AXES_COOLOFF_TIME. Many addresses, each
# with less than AXES_FAILURE_LIMIT, would otherwise guess without a limit.
MAX_FAILURES_OF_NAME = 50


class CodeField(forms.CharField):
    """Six digits of an app, or a recovery code; spaces and case do not matter."""

    def __init__(self, **options: Any) -> None:
        attrs = {"autocomplete": "one-time-code", "spellcheck": "false"}
        widget = forms.TextInput(attrs={**attrs, "autocapitalize": "none"})
        super().__init__(max_length=MAX_CODE_LENGTH, widget=widget, **options)

    def to_python(self, value: Any) -> str:
        return "".join((super().to_python(value) or "").split()).lower()


class SignInForm(AdminAuthenticationForm):
    """User name and password. Users with an app are asked for its code afterwards."""

    def clean(self) -> dict[str, Any]:
        """Refuse a name that is guessed at from everywhere, before its password."""
        name = self.cleaned_data.get("username") or ""
        if len(name) > (self.username_field.max_length or 0):
            # Nobody's. PostgreSQL would fail to store it with the attempts.
            raise self.get_invalid_login_error()
        refuse_guesses(name, self.request)
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class CodeForm(forms.Form):
    """The code of somebody whose password was right."""

    code = CodeField(
        label="Code",
        help_text="The six digits of your authenticator app, or a recovery code.",
    )

    def __init__(self, request: HttpRequest, user: Any, *args: Any) -> None:
        super().__init__(*args)
        self.request = request
        self.user = user

    def clean_code(self) -> str:
        """Check the code. Wrong ones count towards a lockout, as passwords do."""
        code: str = self.cleaned_data["code"]
        name = self.user.get_username()
        refuse_guesses(name, self.request)
        app = totp_device(self.user)
        if app is not None and not is_right_code(self.user, app, code):
            credentials = {"username": name}
            user_login_failed.send(
                __name__, credentials=credentials, request=self.request
            )
            raise forms.ValidationError(WRONG_CODE, code="wrong_code")
        self.user.otp_device = app  # django-otp notes it in the new session
        return code


def refuse_guesses(name: str, request: HttpRequest | None) -> None:
    """Raise a ValidationError if too many addresses guess at this name."""
    if _is_guessed_at(name) and not _is_known(name, request):
        raise forms.ValidationError(TOO_MANY_EVERYWHERE, code="too_many")


def _is_guessed_at(name: str) -> bool:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    attempts = AccessAttempt.objects.filter(username=name, attempt_time__gte=since)
    failures = attempts.aggregate(sum=Sum("failures_since_start"))["sum"]
    return (failures or 0) >= MAX_FAILURES_OF_NAME


def _is_known(name: str, request: HttpRequest | None) -> bool:
    """True for an address from which the name signed in before.

    Guesses of others keep nobody out at the own desk.
    """
    address = get_client_ip_address(request) if request else None
    known = AuditEvent.objects.filter(kind=AuditEvent.Kind.SIGNED_IN, name=name)
    return bool(address) and known.filter(address=address).exists()


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    """The page after too many failed attempts, for django-axes."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {**admin.site.each_context(request), "minutes": minutes}
    page = render(request, "admin/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(minutes * 60)
    return page
