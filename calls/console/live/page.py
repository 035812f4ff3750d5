"""The page “Live calls”: follow calls in progress, and control them."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from calls.session.operator_controls import LINE_LIMIT

SOCKET = "/console/live"


def page(request: HttpRequest) -> HttpResponse:
    """Show the page; all calls on it come through its WebSocket."""
    if not request.user.has_perm("calls.view_call"):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "Live calls",
        "line_limit": LINE_LIMIT,
        "options": {
            "socket": SOCKET,
            "mayControl": request.user.has_perm("calls.change_call"),
            # The script replaces 0 with the id of a call.
            "callPage": reverse("admin:calls_call_change", args=[0]),
        },
    }
    return TemplateResponse(request, "admin/live.html", context)
