"""Lets an open form ask for its session, so that nothing typed is lost with it."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bots.responses import page


@require_GET
@never_cache
def state(request: HttpRequest) -> HttpResponse:
    """Return the user who is signed in, completely, and the token for forms."""
    user = request.user.pk if admin.site.has_permission(request) else None
    return JsonResponse({"user": user, "token": get_token(request)})


def back(request: HttpRequest) -> HttpResponse:
    """The end of signing in again beside a form: the window closes."""
    return page(request, "signed_in.html", "You are signed in again")
