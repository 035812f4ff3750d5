"""Calls in progress: read as they are spoken, and taken a hand in."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from calls.session.operator_controls import LINE_LIMIT

SOCKET = "/console/live"


def page(request: HttpRequest) -> HttpResponse:
    """The page; everything on it comes through its socket."""
    if not request.user.has_perm("calls.view_call"):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "Live calls",
        "line_limit": LINE_LIMIT,
        "options": {
            "socket": SOCKET,
            "mayControl": request.user.has_perm("calls.change_call"),
            # The page puts a call's own number in the place of 0.
            "callPage": reverse("admin:calls_call_change", args=[0]),
        },
    }
    return TemplateResponse(request, "admin/live.html", context)
