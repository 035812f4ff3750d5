"""The dashboard: open calls, problems, and figures."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.timezone import localdate

from bots.access.scope import visible
from bots.site_settings.current import site_values
from calls import figures
from calls.console.dashboard import charts, costs, statistics
from calls.console.dashboard.charts import Cell, Chart
from calls.console.dashboard.period import (
    DAYS,
    FIRST_YEAR,
    Period,
    hours_of,
    latest_days,
    parse_day,
    start_of,
)
from calls.console.dashboard.setup import setup_of, urgent_first
from calls.console.dashboard.statistics import AnswerTimes, Calls, HourlyTotals, Totals
from calls.diagnostics.call_warnings import call_findings
from calls.diagnostics.warnings import (
    overload_findings,
)
from calls.models import Call
from calls.review.call_links import calls_url


def context(request: HttpRequest) -> dict[str, Any]:
    """The template context for this user."""
    user = request.user
    home: dict[str, Any] = {"setup": setup_of(user), "problems": []}
    if user.has_perm("calls.view_call"):
        today, calls = localdate(), visible(Call.objects.real(), user)
        problems = [*overload_findings(), *call_findings(calls, start_of(today))]
        home["problems"] = urgent_first(problems)
        home |= _figures(calls, request.GET.get("day", ""), today)
        if home["has_calls"]:
            home |= costs.of_month(calls, user, today)
    return {"home": home}


def _figures(calls: Calls, asked: str, today: date) -> dict[str, Any]:
    day = parse_day(asked, today) if asked else None
    period = hours_of(day) if day else latest_days(today)
    hours = statistics.by_hour(calls, period)
    if not hours and not calls.exists():
        return {"has_calls": False}
    times = statistics.answer_times(calls, period, hours)
    all_charts = _charts(calls, period, hours, times)
    return {
        "has_calls": True,
        **_totals(calls, today),
        **_answer_time([ms for _, ms in times]),
        **_days(period, asked, today),
        "charts": all_charts,
        "drawings": [chart.drawing() for chart in all_charts],
    }


def _charts(
    calls: Calls, period: Period, hours: HourlyTotals, times: AnswerTimes
) -> list[Chart]:
    shown = [
        charts.calls_over_time(period, hours),
        charts.answer_time(period, times),
        charts.calls_by_bot(period, statistics.by_bot(calls, period) if hours else []),
    ]
    if period.day is None:
        shown.append(charts.calls_by_hour_of_day(period, hours))
    return shown


def _totals(calls: Calls, today: date) -> dict[str, Any]:
    """Totals of now, of today and of this week."""
    week = today - timedelta(days=today.weekday())
    starts = {"today": start_of(today), "week": start_of(week)}
    open_calls, lost = statistics.open_calls(calls)
    return {
        "lost": lost,
        "now": Cell(open_calls, calls_url(**figures.OPEN.parameters)),
        **{
            name: _outcomes({"started_at__gte": starts[name]}, counts)
            for name, counts in statistics.totals(calls, starts).items()
        },
    }


def _outcomes(span: dict[str, Any], counts: Totals) -> dict[str, Cell]:
    return {
        figure.name: Cell(counts[figure.name], calls_url(**span, **figure.parameters))
        for figure in statistics.COUNTED
    }


def _answer_time(times: list[float]) -> dict[str, Any]:
    return {
        name: Cell(None if ms is None else ms / 1000, "", "s")
        for name, ms in (
            ("half", statistics.percentile(times, 0.5)),
            ("slow", statistics.percentile(times, 0.95)),
        )
    }


def _days(period: Period, asked: str, today: date) -> dict[str, Any]:
    day = period.day
    return {
        "day": day,
        "not_a_day": bool(asked) and day is None,
        "day_before": (day or today) - timedelta(days=1),
        "day_after": day + timedelta(days=1) if day and day < today else None,
        "current_day": today,
        "earliest": date(FIRST_YEAR, 1, 1),
        "days": DAYS,
        "max_answers": statistics.MAX_RESPONSES,
        "meanings": figures.FIGURES,
        "time_zone": site_values().time_zone,
    }
