"""The page “Erase a caller's data”: shows what is stored, then deletes it."""

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from bots.phone_numbers.masking import masked
from bots.responses import page as admin_page
from bots.responses import primary_key
from calls.clips.clip_store import ClipsUnavailable
from calls.console.change_log import log_change
from calls.models import Call
from calls.privacy import erasure
from calls.session.services import services

CLIPS_REMAIN = (
    "The audio of these calls could not be deleted now; it expires by itself."
)
CALL_IN_PROGRESS = (
    "A call of this caller is in progress. Erase their data again when it is over."
)


class CallerForm(forms.Form):
    """The caller to erase. Sent in a body only: addresses end up in logs."""

    number = forms.CharField(
        max_length=120,
        label="The caller's number",
        help_text="With + and country code, or as the call shows it: sip:…, client:…",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )

    def clean_number(self) -> str:
        """The number as calls store it."""
        return erasure.parse_caller(self.cleaned_data["number"])


@sensitive_post_parameters("number")
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask for a number, show what is stored about it, and erase it on confirmation."""
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied
    if request.method != "POST":
        form = CallerForm(initial={"number": _caller_of_call(request)})
        return _form_page(request, form)
    form = CallerForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form)
    data = erasure.caller_data(form.cleaned_data["number"])
    if "erase" in request.POST and data.calls:
        return _erase(request, data)
    return _form_page(request, form, data)


def _form_page(
    request: HttpRequest, form: CallerForm, data: erasure.CallerData | None = None
) -> HttpResponse:
    return admin_page(
        request,
        "erase.html",
        "Erase a caller's data",
        form=form,
        data=data,
        elsewhere=erasure.ELSEWHERE,
    )


def _erase(request: HttpRequest, data: erasure.CallerData) -> HttpResponse:
    deleted = erasure.erase(data.number)
    log_change(
        int(request.user.pk or 0),
        Call(),
        f"Erased a caller's data: {deleted}",
        flag=DELETION,
        name=masked(data.number),
    )
    try:
        # The services belong to the server's event loop.
        async_to_sync(services().clips.drop)(list(deleted.clips))
    except ClipsUnavailable:
        messages.warning(request, CLIPS_REMAIN)
    messages.success(request, f"Deleted: {deleted}. {erasure.ELSEWHERE}")
    if data.going_on:
        messages.warning(request, CALL_IN_PROGRESS)
    return redirect("admin:erase")


def _caller_of_call(request: HttpRequest) -> str:
    """The caller of the call whose page links here; empty if the number is hidden."""
    call_id = primary_key(request.GET.get("call", ""))
    call = Call.objects.real().filter(pk=call_id).first() if call_id else None
    return call.caller if call else ""
