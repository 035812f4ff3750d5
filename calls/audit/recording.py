"""Records sign-ins, exports and the like, with the visitor's name and address."""

from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.contrib.auth.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from django.http import HttpRequest
from django.utils import timezone

from bots.config.text import one_line
from calls.models import AuditEvent
from calls.models.audit_event import MAX_TEXT_LENGTH

Kind = AuditEvent.Kind


def connect() -> None:
    """Record what Django signals about sign-ins and sign-outs."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_failed, dispatch_uid="audit")


def record(request: HttpRequest, kind: Kind, name: str, details: str = "") -> None:
    """Store an event."""
    AuditEvent.objects.create(
        kind=kind,
        name=_cut(name),
        address=get_client_ip_address(request),
        details=_cut(details),
    )


def _signed_in(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record(request, Kind.SIGNED_IN, user.get_username())


def _signed_out(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Record a sign-out, also by idleness; not that of nobody."""
    if user is not None and user.is_authenticated:
        record(request, Kind.SIGNED_OUT, user.get_username())


def _failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Record a failure; of a lock-out only its beginning."""
    if request is None:  # no visitor: a command
        return
    name = str(credentials.get("username") or "")
    is_locked = getattr(request, "axes_locked_out", False)
    if not is_locked:
        record(request, Kind.FAILED, name)
    elif not _is_locked_already(request, name):
        record(request, Kind.LOCKED_OUT, name)


def _is_locked_already(request: HttpRequest, name: str) -> bool:
    return AuditEvent.objects.filter(
        kind=Kind.LOCKED_OUT,
        name=_cut(name),
        address=get_client_ip_address(request),
        at__gt=timezone.now() - settings.AXES_COOLOFF_TIME,
    ).exists()


def _cut(text: str) -> str:
    return one_line(text[: MAX_TEXT_LENGTH * 2])[:MAX_TEXT_LENGTH]
