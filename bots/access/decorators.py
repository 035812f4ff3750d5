"""Access to whole pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from bots.access.scope import scope_of

View = Callable[..., HttpResponse]


def required_for_all_bots(permission: str) -> Callable[[View], View]:
    """Refuse people who have the permission for none or only for single bots."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            if not scope_of(request.user, permission).is_all:
                raise PermissionDenied
            return view(request, *args, **options)

        return checked

    return decorate
