"""Forget a caller: what is known of them, and after a second look its deletion."""

from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from calls.models import Call
from calls.privacy import erasure
from calls.review.masking import masked
from calls.session.services import services
from calls.speech.clip_store import ClipsUnavailable

STILL_SOUNDS = (
    "The sound of these calls could not be removed now; it expires by itself."
)


class CallerForm(forms.Form):
    """Whom to forget. Sent in a body only: addresses end up in logs."""

    number = forms.CharField(
        max_length=120,
        label="The caller's number",
        help_text="With + and country code, or as the call shows it: sip:…, client:…",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )

    def clean_number(self) -> str:
        """The one caller that is meant."""
        return erasure.parse_caller(self.cleaned_data["number"])


@sensitive_post_parameters("number")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask for a number, tell what is known of it, and forget it when that is meant."""
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied
    if request.method != "POST":
        return _shown(request, CallerForm(initial={"number": _caller_of_call(request)}))
    form = CallerForm(request.POST)
    if not form.is_valid():
        return _shown(request, form)
    known = erasure.caller_data(form.cleaned_data["number"])
    if "forget" in request.POST and known.calls:
        return _forget(request, known)
    return _shown(request, form, known)


def _shown(
    request: HttpRequest, form: CallerForm, known: erasure.CallerData | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Forget a caller",
        "form": form,
        "known": known,
        "elsewhere": erasure.ELSEWHERE,
    }
    return TemplateResponse(request, "admin/erase.html", context)


def _forget(request: HttpRequest, known: erasure.CallerData) -> HttpResponse:
    superuser: Any = request.user
    deleted = erasure.erase(known.number)
    LogEntry.objects.create(
        user=superuser,
        content_type=ContentType.objects.get_for_model(Call),
        object_repr=masked(known.number),
        action_flag=DELETION,
        change_message=f"Forgot a caller: {deleted}",
    )
    try:
        # The services belong to the server's event loop.
        async_to_sync(services().clips.drop)(list(deleted.clips))
    except ClipsUnavailable:
        messages.warning(request, STILL_SOUNDS)
    messages.success(request, f"Deleted: {deleted}. {erasure.ELSEWHERE}")
    if known.going_on:
        told = "A call of theirs is going on. Forget them again when it is over."
        messages.warning(request, told)
    return redirect("admin:erase")


def _caller_of_call(request: HttpRequest) -> str:
    """The caller of the call one comes from."""
    call_id = request.GET.get("call", "")
    if not (call_id.isascii() and call_id.isdigit() and len(call_id) < 19):
        return ""
    call = Call.objects.real().filter(pk=call_id).first()
    return call.caller_number if call else ""
