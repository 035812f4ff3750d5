"""The page “Live calls”: follow calls in progress, and control them."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from bots.responses import page as admin_page
from bots.site_settings.current import site_values
from calls.session.operator_controls import LINE_LIMIT

SOCKET = "/console/live"


@permission_required("calls.view_call", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the page; all calls on it come through its WebSocket."""
    options = {
        "socket": SOCKET,
        "timeZone": site_values().time_zone,
        # The script replaces 0 with the id of a call.
        "callPage": reverse("admin:calls_call_change", args=[0]),
    }
    return admin_page(
        request, "live.html", "Live calls", line_limit=LINE_LIMIT, options=options
    )
