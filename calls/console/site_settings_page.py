"""The settings of the whole console, which superusers change on the page “Settings”."""

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from bots.models import MAX_RETENTION_DAYS, SiteSettings
from bots.responses import page as admin_page
from bots.site_settings.current import env_values
from bots.site_settings.dates import DateStyle
from bots.site_settings.model import ONLY_ROW
from calls.audit.recording import Kind, record

VARIABLES = {
    "time_zone": "TIME_ZONE",
    "mask_caller_numbers": "MASK_CALLER_NUMBERS",
    "retention_days": "CALL_RETENTION_DAYS",
    "date_style": "DATE_STYLE",
}
YES, NO = "yes", "no"
NO_SUCH_ZONE = "There is no time zone “{zone}”. Write a name such as Europe/Berlin."


class SiteSettingsForm(forms.Form):
    """The settings. Empty fields take the value of `.env`."""

    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
        help_text="Of the console, of the nightly deletion, and of bots without one of "
        "their own.",
    )
    mask_caller_numbers = forms.ChoiceField(
        label="Callers’ numbers in lists",  # noqa: RUF001
        required=False,
        choices=[(YES, "The last two digits (•••00)"), (NO, "In full")],
        help_text="Masked, viewers see and search no more of a number anywhere; "
        "operators see it on a call's own page and in exports.",
    )
    retention_days = forms.IntegerField(
        label="Keep calls for (days)",
        required=False,
        min_value=0,
        max_value=MAX_RETENTION_DAYS,
        help_text="For bots that have no time of their own. Older calls are deleted at "
        "night. 0: never.",
    )
    date_style = forms.ChoiceField(
        label="Dates", required=False, choices=list(DateStyle.choices)
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        values = env_values()
        masked = YES if values.mask_caller_numbers else NO
        for name, first in (
            ("mask_caller_numbers", masked),
            ("date_style", values.date_style),
        ):
            field: Any = self.fields[name]
            label = dict(field.choices)[first]
            field.choices = [("", f"As in .env: {label}"), *field.choices]
        self.fields["time_zone"].widget.attrs["placeholder"] = values.time_zone
        self.fields["retention_days"].widget.attrs["placeholder"] = str(
            values.retention_days
        )

    def clean_time_zone(self) -> str | None:
        """Refuse names that no clock knows."""
        zone: str = self.cleaned_data["time_zone"]
        if not zone:
            return None
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            text = NO_SUCH_ZONE.format(zone=zone)
            raise forms.ValidationError(text) from error
        return zone

    def clean_mask_caller_numbers(self) -> bool | None:
        choice = self.cleaned_data["mask_caller_numbers"]
        return None if not choice else choice == YES

    def clean_date_style(self) -> str | None:
        return self.cleaned_data["date_style"] or None

    def sources(self, row: SiteSettings | None) -> list[tuple[Any, str]]:
        """Each field with the place where its value comes from."""
        return [
            (self[name], _source(name, row, variable))
            for name, variable in VARIABLES.items()
        ]


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show the settings with their sources, and save them."""
    if not (request.user.is_active and request.user.is_superuser):
        raise PermissionDenied
    row = SiteSettings.objects.filter(pk=ONLY_ROW).select_related("changed_by").first()
    form = SiteSettingsForm(request.POST or None, initial=_initial(row))
    if form.is_valid():
        _save(request, form)
        return redirect("admin:site-settings")
    return admin_page(
        request,
        "site_settings.html",
        "Time, numbers and dates",
        form=form,
        sources=form.sources(row),
        row=row,
        zones=sorted(available_timezones()),
    )


def _initial(row: SiteSettings | None) -> dict[str, Any]:
    if row is None:
        return {}
    masked = {True: YES, False: NO, None: ""}[row.mask_caller_numbers]
    values = {name: getattr(row, name) for name in VARIABLES}
    return {**values, "mask_caller_numbers": masked}


def _source(name: str, row: SiteSettings | None, variable: str) -> str:
    if row is None or getattr(row, name) is None:
        return f"From .env ({variable}), or its default."
    by = row.changed_by.get_username() if row.changed_by else "somebody"
    return f"Set here, last saved by {by}. Empty it to use {variable} of .env."


def _save(request: HttpRequest, form: SiteSettingsForm) -> None:
    values = {name: form.cleaned_data[name] for name in VARIABLES}
    by = {"changed_by_id": request.user.pk}
    SiteSettings.objects.update_or_create(pk=ONLY_ROW, defaults={**values, **by})
    if form.changed_data:
        changed = ", ".join(
            f"{name}={'.env' if values[name] is None else values[name]}"
            for name in form.changed_data
        )
        record(request, Kind.SETTINGS, request.user.get_username(), changed)
    messages.success(request, "Saved. It holds at once, in every process.")
