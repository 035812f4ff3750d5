"""Where a person sets up an authenticator app for signing in, or gives it up."""

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
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as remember_device
from django_otp import match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from calls.accounts.sign_in import (
    WRONG_CODE,
    CodeField,
    has_second_factor,
    reset_two_factor,
    totp_device,
)

RECOVERY_CODES = 10


@never_cache
@sensitive_post_parameters("code")
def page(request: HttpRequest) -> HttpResponse:
    """Set it up, get new recovery codes, or turn it off; each with a code."""
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
    """Take the app into use, once it has shown that it knows the secret."""
    with transaction.atomic():
        app = _unconfirmed(request.user)
        if not app.verify_token(code):
            return _show(request, None, problem=WRONG_CODE)
        app.confirmed = True
        app.save()
        codes = _new_codes(request.user)
    remember_device(request, app)
    return _show(request, app, codes=codes)


def _change(request: HttpRequest, app: TOTPDevice, code: str) -> HttpResponse:
    """Do what was asked for, if the code is right."""
    if match_token(request.user, code) is None:
        return _show(request, app, problem=WRONG_CODE)
    if "off" in request.POST:
        reset_two_factor(request.user)
        messages.success(request, "A code is no longer asked for when you sign in.")
        return redirect("admin:two-factor")
    return _show(request, app, codes=_new_codes(request.user))


def _show(
    request: HttpRequest,
    app: TOTPDevice | None,
    problem: str = "",
    codes: list[str] | None = None,
) -> HttpResponse:
    shown = {
        **admin.site.each_context(request),
        "title": "Signing in with a code",
        "app": app,
        "problem": problem,
        "codes": codes,
        **(_about(app) if app else _to_scan(_unconfirmed(request.user))),
    }
    if not shown["has_permission"]:
        shown["is_nav_sidebar_enabled"] = False  # it leads nowhere yet
    return TemplateResponse(request, "admin/two_factor.html", shown)


def _about(app: TOTPDevice) -> dict[str, Any]:
    left = StaticToken.objects.filter(device__user_id=app.user_id).count()
    return {"codes_left": left}


def _to_scan(app: TOTPDevice) -> dict[str, Any]:
    """The secret, as an image for a camera and as letters for typing."""
    secret = base64.b32encode(app.bin_key).decode().rstrip("=")
    image = segno.make(app.config_url, error="m").svg_inline(
        scale=5, light="#fff", title="QR code of the secret below"
    )
    return {
        "image": mark_safe(image),  # noqa: S308  (drawn by the library, nothing typed)
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    }


def _unconfirmed(user: Any) -> TOTPDevice:
    """The app being set up; the same when the page is looked at again."""
    waiting = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return waiting or TOTPDevice.objects.create(
        user=user, confirmed=False, name="Authenticator app"
    )


@transaction.atomic
def _new_codes(user: Any) -> list[str]:
    """Recovery codes, good once each, in place of all earlier ones."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    for code in codes:
        device.token_set.create(token=code)
    return codes


@admin.action(description="Let them sign in without a code (lost device)")
def let_in_without_code(
    people: Any, request: HttpRequest, chosen: QuerySet[User]
) -> None:
    """For a superuser: forget the apps and recovery codes of people."""
    if not request.user.is_superuser:
        raise PermissionDenied
    for person in chosen:
        if reset_two_factor(person):
            people.log_change(request, person, "Signs in without a code again.")
    messages.success(
        request, "They sign in with the password alone, until set up anew."
    )
