"""The sign-in in two steps: the password, then the code of users who have an app.

A wrong code does not cost the password. For a few minutes the session, which nobody is
signed in to yet, holds whose password was right.
"""

from time import time
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from bots.responses import page as admin_page
from calls.accounts.second_factor import totp_device
from calls.accounts.sign_in import CodeForm, SignInForm, locked_out

# In the session of somebody whose password was right and whose code is still to come.
PENDING = "pending_sign_in"
PENDING_SECONDS = 300
BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignInView(LoginView):
    """The first step: the password."""

    template_name = "admin/login.html"
    authentication_form = SignInForm
    next_page = "admin:index"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the frame of the console."""
        frame = admin.site.each_context(self.request)
        own = {"title": "Sign in", "username": self.request.user.get_username()}
        return {**frame, **own, **super().get_context_data(**kwargs)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or go on to the code."""
        user = form.get_user()
        if totp_device(user) is None:
            return super().form_valid(form)
        _keep(self.request, user)
        return redirect(_step("sign-in-code", self.get_redirect_url()))


@never_cache
@csrf_protect
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: the code."""
    user = _pending(request)
    target = _Target(request).get_redirect_url()
    if user is None:
        return redirect(_step("login", target))
    credentials = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        return locked_out(request, None, credentials)
    form = CodeForm(request, user, request.POST or None)
    if not form.is_valid():
        context = {"form": form, "next": target, "name": user.get_username()}
        return admin_page(request, "sign_in_code.html", "Your code", **context)
    del request.session[PENDING]
    login(request, form.user, BACKEND)
    return redirect(target or reverse("admin:index"))


class _Target(RedirectURLMixin):
    """The page to go on to: one of this server, never a foreign address."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request


def _keep(request: HttpRequest, user: Any) -> None:
    """Note in a session with a new key whose password was right."""
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "until": time() + PENDING_SECONDS,
    }


def _pending(request: HttpRequest) -> User | None:
    """The user whose password was right a moment ago, and is still the same."""
    pending = request.session.get(PENDING)
    if not pending or time() > pending["until"]:
        request.session.pop(PENDING, None)
        return None
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    if user is None or not constant_time_compare(
        pending["hash"], user.get_session_auth_hash()
    ):
        return None
    return user


def _step(name: str, target: str) -> str:
    """The address of a step, which goes on to a page afterwards."""
    query = f"?{urlencode({'next': target})}" if target else ""
    return f"{reverse(f'admin:{name}')}{query}"
