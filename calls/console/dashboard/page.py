"""The dashboard: open calls, problems, and figures."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localdate

from bots.access.scope import scope_of, visible
from bots.models import Bot, PhoneNumber
from calls.console.dashboard import charts, statistics
from calls.console.dashboard.charts import OUTCOMES, Cell, Chart
from calls.console.dashboard.period import (
    DAYS,
    FIRST_YEAR,
    Period,
    hours_of,
    latest_days,
    parse_day,
    start_of,
)
from calls.console.dashboard.statistics import AnswerTimes, Calls, HourlyTotals, Totals
from calls.diagnostics.account_warnings import role_findings
from calls.diagnostics.call_warnings import call_findings
from calls.diagnostics.findings import Finding
from calls.diagnostics.refused_settings import refused_settings_findings
from calls.diagnostics.refused_voices import refused_voice_findings
from calls.diagnostics.secret_warnings import secret_findings
from calls.diagnostics.streaming import streaming_findings
from calls.diagnostics.warnings import (
    bot_findings,
    number_findings,
    overload_findings,
    setup_findings,
)
from calls.models import Call
from calls.review.call_links import calls_url

AnyUser = User | AnonymousUser
# A bot that was saved later than this after its creation has been edited.
CREATION_TIME = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One of the first things to do; `link` is empty for users who may not do it."""

    title: str
    description: str
    link: str
    done: bool


def context(request: HttpRequest) -> dict[str, Any]:
    """The template context for this user."""
    home: dict[str, Any] = {"problems": _problems(request.user)}
    if request.user.has_perm("calls.view_call"):
        calls = visible(Call.objects.real(), request.user)
        home |= _figures(calls, request.GET.get("day", ""), localdate())
        home["streaming"] = streaming_findings(with_simulated=False)
        if not home["has_calls"]:
            home["steps"] = _setup_steps(request.user)
    return {"home": home}


def _problems(user: AnyUser) -> list[Finding]:
    findings: list[Finding] = []
    calls = visible(Call.objects.real(), user)
    if scope_of(user, "bots.view_phonenumber").is_all:
        findings += number_findings()
    if user.has_perm("calls.view_call"):
        findings += overload_findings()
        findings += call_findings(calls, start_of(localdate()))
    if scope_of(user, "bots.view_bot").is_all:
        findings += [*setup_findings(), *secret_findings()]
    if user.is_superuser:
        findings += role_findings()
    bots = visible(Bot.objects.filter(is_active=True), user)
    findings += bot_findings(bots)
    findings += refused_settings_findings(calls)
    findings += refused_voice_findings(bots)
    return sorted(findings, key=lambda finding: not finding.is_failure)


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
        "now": Cell(open_calls, calls_url(**OUTCOMES["open"])),
        **{
            name: _outcomes({"started_at__gte": starts[name]}, counts)
            for name, counts in statistics.totals(calls, starts).items()
        },
    }


def _outcomes(span: dict[str, Any], counts: Totals) -> dict[str, Cell]:
    return {
        kind: Cell(counts[kind], calls_url(**span, **OUTCOMES[kind]))
        for kind in statistics.COUNTS
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
        "time_zone": settings.TIME_ZONE,
    }


def _setup_steps(user: AnyUser) -> list[SetupStep]:
    """The steps to the first call, for a deployment that has had none."""
    bot = Bot.objects.order_by("-is_default", "-is_active", "pk").first()
    test_call = reverse("admin:test-call", args=[bot.pk]) if bot else ""
    steps = [
        (
            "bots.change_bot" if bot else "bots.add_bot",
            SetupStep(
                "Give your bot a greeting, instructions and a voice",
                "Its first sentence, its knowledge, and its sound.",
                reverse("admin:bots_bot_change", args=[bot.pk])
                if bot
                else reverse("admin:bots_bot_add"),
                bot is not None and bot.updated_at - bot.created_at > CREATION_TIME,
            ),
        ),
        (
            "bots.view_bot",
            SetupStep(
                "Make a test call in the browser",
                "The same conversation as on the phone, without a phone.",
                test_call,
                Call.objects.filter(is_test=True).exists(),
            ),
        ),
        (
            "bots.view_phonenumber",
            SetupStep(
                "Connect a phone number",
                "With your Twilio account, or step by step.",
                reverse("admin:numbers"),
                PhoneNumber.objects.exists(),
            ),
        ),
    ]
    return [
        step if user.has_perm(permission) else replace(step, link="")
        for permission, step in steps
    ]
