"""The page “Statistics”: calls by bot and number over any days, also as a file."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bots.access.numbers import may_see_numbers
from bots.access.scope import visible
from bots.responses import page as admin_page
from bots.site_settings.current import site_values
from calls.console.dashboard.statistics import MAX_RESPONSES
from calls.console.statistics.date_range import OWN, PRESETS
from calls.console.statistics.form import StatisticsForm
from calls.console.statistics.queries import STACKED
from calls.console.statistics.report import Report, meanings
from calls.console.statistics.tables import COUNTED
from calls.models import Call

PARAMETERS = {*StatisticsForm.base_fields, "format"}
FORMATS = ("", "csv")


@require_safe
@permission_required("calls.view_call", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the statistics of the chosen days, or return them as CSV."""
    form = _form(request)
    if not form.is_valid():
        response = admin_page(
            request,
            "statistics.html",
            "Statistics",
            form=form,
            presets=_presets(form, ""),
        )
        response.status_code = 400
        return response
    chosen = form.cleaned_data
    report = Report(
        visible(Call.objects.real(), request.user),
        *(form.days, chosen["bot"], chosen["number"], form.labels),
        hide=not may_see_numbers(request.user),
    )
    if request.GET.get("format") == "csv":
        return _file(report)
    return admin_page(
        request,
        "statistics.html",
        "Statistics",
        form=form,
        period=form.period_name,
        presets=_presets(form, form.period_name),
        report=report,
        counted=COUNTED,
        stacked=STACKED,
        meanings=meanings(),
        most_measured=MAX_RESPONSES,
        time_zone=site_values().time_zone,
        csv=urlencode({**request.GET.dict(), "format": "csv"}),
    )


def _form(request: HttpRequest) -> StatisticsForm:
    """The form as the address fills it in. Raises `BadRequest`."""
    if unknown := request.GET.keys() - PARAMETERS:
        raise BadRequest(f"The page has no parameter {min(unknown)[:80]!r}.")
    if request.GET.get("format", "") not in FORMATS:
        raise BadRequest("The statistics come as csv or as a page.")
    return StatisticsForm(request.user, request.GET)


def _presets(form: StatisticsForm, chosen: str) -> list[tuple[str, str, bool]]:
    """Each preset's name, its address with the same bot and number, is it chosen."""
    kept = {name: form.data.get(name, "") for name in ("bot", "number")}
    kept = {name: value for name, value in kept.items() if value}
    return [
        (label, urlencode({"period": preset, **kept}), preset == chosen)
        for preset, label in PRESETS
        if preset != OWN
    ]


def _file(report: Report) -> HttpResponse:
    days = f"{report.days.first}-to-{report.days.last}"
    name = f'attachment; filename="statistics-{days}.csv"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    body = f"\ufeff{report.file()}"
    return HttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)
