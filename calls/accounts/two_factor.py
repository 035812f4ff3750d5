"""The page “Two-factor sign-in”: set up an authenticator app, or remove it."""

import base64
from typing import Any

import segno
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as remember_device
from django_otp.plugins.otp_totp.models import TOTPDevice

from bots.responses import page as admin_page
from calls.accounts.second_factor import (
    has_second_factor,
    is_right_code,
    new_recovery_codes,
    recovery_codes_left,
    reset_two_factor,
    totp_device,
)
from calls.accounts.sign_in import WRONG_CODE, CodeField
from calls.audit.recording import Kind, record


@never_cache
@sensitive_post_parameters("code")
def page(request: HttpRequest) -> HttpResponse:
    """Turn it on, make new recovery codes, or turn it off; each needs a code."""
    user = request.user
    app = totp_device(user)
    may_see = app is None or has_second_factor(user, request.session)
    if not (user.is_active and user.is_staff and may_see):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if request.method != "POST":
        return _show(request, app)
    code = CodeField(required=False).clean(request.POST.get("code", "")[:100])
    if app is None:
        return _begin(request, code)
    return _change(request, app, code)


def _begin(request: HttpRequest, code: str) -> HttpResponse:
    """Confirm the app, once a code proves that it has the secret."""
    with transaction.atomic():
        app = _unconfirmed(request.user)
        if not app.verify_token(code):
            return _show(request, None, problem=WRONG_CODE)
        app.confirmed = True
        app.save()
        codes = new_recovery_codes(request.user)
    remember_device(request, app)
    _record(request, "Turned on")
    return _show(request, app, codes=codes)


def _change(request: HttpRequest, app: TOTPDevice, code: str) -> HttpResponse:
    """Make new recovery codes or turn it off, if the code is right."""
    if not is_right_code(request.user, app, code):
        return _show(request, app, problem=WRONG_CODE)
    if "off" in request.POST:
        reset_two_factor(request.user)
        _record(request, "Turned off")
        messages.success(
            request, "Two-factor sign-in is off: you sign in with the password alone."
        )
        return redirect("admin:two-factor")
    codes = new_recovery_codes(request.user)
    _record(request, "New recovery codes")
    return _show(request, app, codes=codes)


def _show(
    request: HttpRequest,
    app: TOTPDevice | None,
    problem: str = "",
    codes: list[str] | None = None,
) -> HttpResponse:
    response = admin_page(
        request,
        "two_factor.html",
        "Two-factor sign-in",
        app=app,
        problem=problem,
        codes=codes,
        **(_status(app) if app else _enrolment(_unconfirmed(request.user))),
    )
    context = response.context_data or {}
    if not context["has_permission"]:
        context["is_nav_sidebar_enabled"] = False  # its links do not work yet
    return response


def _record(request: HttpRequest, details: str) -> None:
    record(request, Kind.TWO_FACTOR, request.user.get_username(), details)


def _status(app: TOTPDevice) -> dict[str, Any]:
    return {"codes_left": recovery_codes_left(app.user_id)}


def _enrolment(app: TOTPDevice) -> dict[str, Any]:
    """The secret, as a QR code and as letters."""
    secret = base64.b32encode(app.bin_key).decode().rstrip("=")
    image = segno.make(app.config_url, error="m").svg_inline(
        scale=5, light="#fff", title="QR code of the secret below"
    )
    return {
        "image": mark_safe(image),  # noqa: S308  (made by the library, no user input)
        "secret": " ".join(
            secret[start : start + 4] for start in range(0, len(secret), 4)
        ),
    }


def _unconfirmed(user: Any) -> TOTPDevice:
    """The app being set up; the same one when the page is reloaded."""
    pending = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return pending or TOTPDevice.objects.create(
        user=user, confirmed=False, name="Authenticator app"
    )


@admin.action(description="Turn off two-factor sign-in (lost device)")
def turn_off_two_factor(
    user_admin: Any, request: HttpRequest, users: QuerySet[User]
) -> None:
    """For superusers: delete the apps and recovery codes of users."""
    if not request.user.is_superuser:
        raise PermissionDenied
    for user in users:
        if reset_two_factor(user):
            user_admin.log_change(request, user, "Turned off two-factor sign-in.")
            _record(request, f"Turned off for {user.get_username()}")
    messages.success(
        request, "They sign in with the password alone, until they set it up again."
    )
