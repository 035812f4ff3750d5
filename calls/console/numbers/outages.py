"""The outage switch: announce one for a number or for all, and end it."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from bots.access.decorators import required_for_all_bots
from bots.access.scope import scope_of, visible
from bots.models import Outage, PhoneNumber
from bots.phone_numbers.fields import PastedNumberField
from bots.responses import page as admin_page
from bots.responses import primary_key
from bots.site_settings.current import site_values
from calls.audit.recording import record
from calls.models import AuditEvent

MAY_ANNOUNCE = "bots.change_phonenumber"
AT_A_TIME = "at"
ENDS = (
    ("", "When somebody ends it"),
    ("30", "In 30 minutes"),
    ("60", "In an hour"),
    ("240", "In 4 hours"),
    ("1440", "In 24 hours"),
    (AT_A_TIME, "At a time"),
)


class OutageForm(forms.ModelForm[Outage]):
    """An outage that replaces the one of the same number, if there is one."""

    ends = forms.ChoiceField(choices=ENDS, required=False, label="It ends")
    until = forms.DateTimeField(
        label="Time of its end",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Write the time like 2026-12-24 13:30."},
    )

    class Meta:
        model = Outage
        fields = ["number", "action", "message", "transfer_number", "ends", "until"]
        field_classes = {"transfer_number": PastedNumberField}
        widgets = {"message": forms.Textarea({"rows": 3, "dir": "auto"})}
        help_texts = {"number": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        number: Any = self.fields["number"]
        number.empty_label = "All numbers"
        zone = site_values().time_zone
        self.fields["until"].help_text = f"In the server's time zone, {zone}."
        for name, field in self.fields.items():
            if field.help_text:
                described = f"id_{name}_helptext"
                field.widget.attrs["aria-describedby"] = described

    def clean(self) -> dict[str, Any] | None:
        """Turn the choice of an end into its time."""
        cleaned = super().clean() or self.cleaned_data
        ends = cleaned.get("ends", "")
        if ends == AT_A_TIME and "until" in cleaned:
            if error := _problem_of(cleaned["until"]):
                self.add_error("until", error)
        elif ends != AT_A_TIME:
            minutes = timedelta(minutes=int(ends or 0))
            cleaned["until"] = timezone.now() + minutes if ends else None
        return cleaned


def _problem_of(until: datetime | None) -> str:
    if until is None:
        return "Write the time at which the outage ends."
    return "" if until > timezone.now() else "This time has passed already."


@require_http_methods(["GET", "HEAD", "POST"])
@required_for_all_bots(MAY_ANNOUNCE)
def page(request: HttpRequest) -> HttpResponse:
    """Ask what callers hear and for how long, and announce the outage."""
    if request.method == "POST":
        number = primary_key(request.POST.get("number", ""))
        before = Outage.objects.filter(number=number).first()
        form = OutageForm(request.POST, instance=before)
        if form.is_valid():
            _announce(request, form.instance)
            return redirect("admin:bots_phonenumber_changelist")
    else:
        number = primary_key(request.GET.get("number", ""))
        form = OutageForm(initial={"number": number})
    template = "bots/phonenumber/outage.html"
    return admin_page(request, template, "Announce an outage", form=form)


def _announce(request: HttpRequest, outage: Outage) -> None:
    values = {
        name: getattr(outage, name)
        for name in ("action", "message", "transfer_number", "until")
    }
    values["set_by"] = request.user.get_username()
    saved, _ = Outage.objects.update_or_create(number=outage.number, defaults=values)
    until = timezone.localtime(saved.until) if saved.until else None
    end = f"until {until:%d %b %Y, %H:%M %Z}" if until else "until somebody ends it"
    _record(request, f"{saved} announced, {end}.")
    messages.success(request, f"{saved} announced. It begins with the next call.")


@require_POST
@required_for_all_bots(MAY_ANNOUNCE)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an outage; ending it twice does no harm."""
    outage = Outage.objects.select_related("number").filter(pk=pk).first()
    if outage is None:
        messages.info(request, "This outage has ended already.")
    else:
        outage.delete()
        _record(request, f"{outage} ended.")
        messages.success(request, f"{outage} ended. The next call is answered again.")
    return redirect(_page_before(request))


def _page_before(request: HttpRequest) -> str:
    """The page on which the button was pressed; the numbers, if that is unknown."""
    page_before = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(page_before, allowed_hosts=None):
        return page_before
    return reverse("admin:bots_phonenumber_changelist")


def _record(request: HttpRequest, details: str) -> None:
    record(request, AuditEvent.Kind.OUTAGE, request.user.get_username(), details)


def current(request: HttpRequest) -> list[Outage]:
    """The outages that a person should know of: of all numbers, or of theirs."""
    outages = Outage.objects.in_effect(timezone.now()).select_related("number")
    if not scope_of(request.user, "bots.view_phonenumber").is_all:
        theirs = visible(PhoneNumber.objects.all(), request.user)
        outages = outages.filter(Q(number=None) | Q(number__in=theirs))
    return list(outages)


def may_announce(user: Any) -> bool:
    """True for operators of all bots."""
    return scope_of(user, MAY_ANNOUNCE).is_all
