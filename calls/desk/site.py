"""The operator's desk: Django's admin, and the pages that span bots and calls."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from calls.desk import home, live, numbers, talk


class Desk(admin.AdminSite):
    """One page a question: what is going on, what will happen, what does it say."""

    site_header = "voicebot"
    site_title = "voicebot"
    index_title = "Operator's desk"
    site_url = None  # there is no site beside the desk to link to

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The desk's own pages, for staff only, before the admin's."""
        view = self.admin_view
        return [
            path("live/", view(live.page), name="live"),
            path("talk/<int:bot_id>/", view(talk.page), name="talk"),
            path("numbers/", view(numbers.page), name="numbers"),
            *super().get_urls(),
        ]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the figures of the day above the list of what can be edited."""
        found = home.context(request) if self.has_permission(request) else {}
        return super().index(request, {**(extra_context or {}), **found})
