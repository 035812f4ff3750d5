"""The console: Django's admin, and the pages that span bots and calls."""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from bots.access.scope import scope_of
from bots.responses import page
from calls.accounts import (
    groups,
    invitation_pages,
    password_reset,
    sign_in_pages,
    two_factor,
)
from calls.accounts.second_factor import has_second_factor, totp_device
from calls.accounts.sign_in_pages import SignInView
from calls.console import (
    erasure_page,
    exports_page,
    session_page,
    site_settings_page,
)
from calls.console.bulk_deletion import delete_selected
from calls.console.dashboard import page as dashboard
from calls.console.live import page as live
from calls.console.navigation import (
    is_below_settings,
    navigation,
    settings_pages,
)
from calls.console.numbers import outages, point, preview
from calls.console.numbers import page as numbers
from calls.console.statistics import page as statistics
from calls.console.test_call import page as test_call
from calls.console.test_call import transfer


class ConsoleSite(admin.AdminSite):
    """Django's admin with the console's own pages."""

    site_header = "voicebot"
    site_title = "voicebot"
    index_title = "Home"
    enable_nav_sidebar = False
    site_url = None  # there is no public site to link to

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.add_action(delete_selected)  # replaces Django's

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The console's own pages, for staff only, before the admin's."""
        view = self.admin_view
        return [
            path("live/", view(live.page), name="live"),
            path("statistics/", view(statistics.page), name="statistics"),
            path("settings/", view(self.settings_page), name="settings"),
            path("session/", session_page.state, name="session"),
            path("session/back/", view(session_page.back), name="session-back"),
            path("settings/site/", view(site_settings_page.page), name="site-settings"),
            path("erase/", view(erasure_page.page), name="erase"),
            path("exports/", view(exports_page.page), name="exports"),
            path("exports/<int:pk>/", view(exports_page.fetch), name="export-file"),
            path(
                "exports/<int:pk>/delete/",
                view(exports_page.delete),
                name="export-delete",
            ),
            path("test-call/<int:bot_id>/", view(test_call.page), name="test-call"),
            path(
                "test-call/transfer/",
                view(transfer.simulate_target),
                name="test-call-transfer",
            ),
            path("numbers/", view(numbers.page), name="numbers"),
            path("numbers/check/", view(numbers.check), name="numbers-check"),
            path("numbers/point/<str:sid>/", view(point.point_number), name="point"),
            path("numbers/preview/", view(preview.page), name="number-preview"),
            path("numbers/outage/", view(outages.page), name="outage"),
            path("numbers/outage/<int:pk>/end/", view(outages.end), name="outage-end"),
            path("numbers/greeting/<int:bot_id>/", view(preview.play), name="greeting"),
            # Open to staff who still have to set up two-factor sign-in.
            path("two-factor/", two_factor.page, name="two-factor"),
            path("logout/", self.logout, name="logout"),
            path("login/code/", sign_in_pages.code, name="sign-in-code"),
            *self._urls_of_accounts(),
            *super().get_urls(),
        ]

    def _urls_of_accounts(self) -> list[URLPattern]:
        """Invitations for superusers; what a mail leads to is open to everybody."""
        view, new = self.admin_view, password_reset.NewPasswordView.as_view()
        asked = invitation_pages
        return [
            path("invitations/", view(asked.page), name="invitations"),
            path(
                "invitations/<int:pk>/send/",
                view(asked.send_again),
                name="invitation-send",
            ),
            path(
                "invitations/<int:pk>/withdraw/",
                view(asked.withdraw),
                name="invitation-withdraw",
            ),
            path("invitation/<str:token>/", asked.accept, name="invitation"),
            path("forgotten-password/", password_reset.ask, name="forgotten-password"),
            path("new-password/<uidb64>/<token>/", new, name="new-password"),
            path(
                "auth/user/<int:object_id>/password-link/",
                view(password_reset.link_page),
                name="password-link",
            ),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the links at the top of every page, and the outages."""
        context = super().each_context(request)
        if context["has_permission"]:
            context["navigation"] = navigation(request)
            context["is_below_settings"] = is_below_settings(request)
            context["outages"] = outages.current(request)
            context["may_announce"] = outages.may_announce(request.user)
            context["has_all_bots"] = scope_of(request.user, "bots.view_bot").is_all
        return context

    def app_index(  # type: ignore[override]  # Django's is always a page
        self,
        request: HttpRequest,
        app_label: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django lists an app's models here; ours are in the navigation."""
        return redirect("admin:settings")

    def settings_page(self, request: HttpRequest) -> TemplateResponse:
        """List the pages that have no link of their own at the top."""
        pages = settings_pages(request)
        return page(request, "settings.html", "Settings", pages=pages)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff with a second factor, if one is required. Cached on the request."""
        if not super().has_permission(request):
            return False
        cache: dict[str, bool] = request.__dict__
        if "has_second_factor" not in cache:
            cache["has_second_factor"] = has_second_factor(
                request.user, request.session
            )
        return cache["has_second_factor"]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign in; staff who still have to set up a second factor are sent there."""
        lacks_factor = super().has_permission(request) and not self.has_permission(
            request
        )
        if request.method == "GET" and lacks_factor and not totp_device(request.user):
            return redirect("admin:two-factor")
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        return cast(HttpResponse, SignInView.as_view()(request))

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the dashboard instead of the admin's list of models."""
        if self.has_permission(request) and not request.user.get_all_permissions():
            return self._without_role(request)
        context = dashboard.context(request) if self.has_permission(request) else {}
        return super().index(request, {**(extra_context or {}), **context})

    def _without_role(self, request: HttpRequest) -> TemplateResponse:
        """Explain that an account without a role may do nothing."""
        descriptions = groups.DESCRIPTIONS
        return page(request, "no_role.html", "No role yet", descriptions=descriptions)
