"""The desk's first page: what is going on, what needs action, and the figures."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localdate

from bots.models import Bot, PhoneNumber
from calls.console.dashboard import charts, statistics
from calls.console.dashboard.charts import OUTCOMES, Cell, Chart
from calls.console.dashboard.period import (
    DAYS,
    FIRST_YEAR,
    Period,
    day_asked_for,
    hours_of,
    latest_days,
    start_of,
)
from calls.console.dashboard.statistics import Hours, Tally, Waits
from calls.diagnostics import call_warnings, warnings
from calls.diagnostics.secret_warnings import in_the_secrets
from calls.models import Call
from calls.review.call_links import CallLinks

Person = User | AnonymousUser
# A bot that was only just created has not been edited yet.
MOMENT = timedelta(seconds=1)


# What an operator goes to: name, page, what may be seen there.
PLACES = [
    ("Live calls", "live", "calls.view_call"),
    ("Calls", "calls_call_changelist", "calls.view_call"),
    ("Followups", "calls_postcalltask_changelist", "calls.view_postcalltask"),
    ("Bots", "bots_bot_changelist", "bots.view_bot"),
    ("Tools", "bots_tool_changelist", "bots.view_tool"),
    ("Secrets", "bots_secret_changelist", "bots.view_secret"),
    ("Phone numbers", "bots_phonenumber_changelist", "bots.view_phonenumber"),
    ("Numbers at Twilio", "numbers", "bots.view_phonenumber"),
    ("Blocked callers", "calls_blockedcaller_changelist", "calls.view_blockedcaller"),
    ("Users", "auth_user_changelist", "auth.view_user"),
]


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things to do, and where; no `link` for those who may not."""

    what: str
    why: str
    link: str
    done: bool


def context(request: HttpRequest) -> dict[str, Any]:
    """What the first page shows to this person."""
    home: dict[str, Any] = {
        "places": _places(request.user),
        "problems": _troubles(request.user),
    }
    if request.user.has_perm("calls.view_call"):
        home |= _figures(request.GET.get("day", ""), localdate())
        if not home["has_calls"]:
            home["steps"] = _first_steps(request.user)
    return {"home": home}


def _places(person: Person) -> list[tuple[str, str]]:
    """Where this person may go: name and address."""
    return [
        (name, reverse(f"admin:{page}"))
        for name, page, permission in PLACES
        if person.has_perm(permission)
    ]


def _troubles(person: Person) -> list[warnings.Finding]:
    found: list[warnings.Finding] = []
    if person.has_perm("bots.view_phonenumber"):
        found += warnings.at_the_numbers()
    if person.has_perm("calls.view_call"):
        found += call_warnings.in_the_calls(_links(), start_of(localdate()))
    if person.has_perm("bots.view_bot"):
        found += [*warnings.in_the_setup(), *in_the_secrets()]
    return sorted(found, key=lambda trouble: not trouble.is_urgent)


def _figures(asked: str, today: date) -> dict[str, Any]:
    day = day_asked_for(asked, today) if asked else None
    period = hours_of(day) if day else latest_days(today)
    hours = statistics.by_hour(period)
    if not hours and not Call.objects.real().exists():
        return {"has_calls": False}
    calls = _links()
    times = statistics.answer_times(period, hours)
    drawn = _charts(calls, period, hours, times)
    return {
        "has_calls": True,
        **_now_and_lately(calls, today, hours if day is None else None),
        **_answer_time([ms for _, ms in times]),
        **_days(period, asked, today),
        "charts": drawn,
        "drawings": [chart.drawing() for chart in drawn],
    }


def _charts(
    calls: CallLinks, period: Period, hours: Hours, times: Waits
) -> list[Chart]:
    drawn = [
        charts.calls_over_time(calls, period, hours),
        charts.answer_time(calls, period, times),
        charts.calls_by_bot(calls, period, statistics.by_bot(period) if hours else []),
    ]
    if period.day is None:
        drawn.append(charts.calls_by_hour_of_day(calls, period, hours))
    return drawn


def _now_and_lately(
    calls: CallLinks, today: date, hours: Hours | None
) -> dict[str, Any]:
    """Tallies of today and the week; `hours` of the latest days spare a query."""
    week = today - timedelta(days=today.weekday())
    starts = {"today": start_of(today), "week": start_of(week)}
    found = (
        statistics.totals(starts)
        if hours is None
        else statistics.totals_of(hours, starts)
    )
    left, lost = statistics.open_calls()
    return {
        "lost": lost,
        "now": Cell(left, calls.where(**OUTCOMES["open"])),
        **{
            name: _outcomes(calls, {"started_at__gte": starts[name]}, tally)
            for name, tally in found.items()
        },
    }


def _outcomes(calls: CallLinks, span: dict[str, Any], tally: Tally) -> dict[str, Cell]:
    return {
        kind: Cell(tally[kind], calls.where(**span, **OUTCOMES[kind]))
        for kind in statistics.COUNTS
    }


def _answer_time(waits: list[float]) -> dict[str, Any]:
    return {
        name: Cell(None if ms is None else ms / 1000, "", "s")
        for name, ms in (
            ("half", statistics.percentile(waits, 0.5)),
            ("slow", statistics.percentile(waits, 0.95)),
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
        "most_answers": statistics.MAX_RESPONSES,
        "time_zone": settings.TIME_ZONE,
    }


def _first_steps(person: Person) -> list[Step]:
    """The way to the first call, for a deployment that has had none."""
    bot = Bot.objects.order_by("-is_default", "-is_active", "pk").first()
    talk = reverse("admin:test-call", args=[bot.pk]) if bot else ""
    steps = [
        (
            "bots.change_bot" if bot else "bots.add_bot",
            Step(
                "Give your bot a greeting, a prompt and a voice",
                "What it says first, what it knows, how it sounds.",
                reverse("admin:bots_bot_change", args=[bot.pk])
                if bot
                else reverse("admin:bots_bot_add"),
                bot is not None and bot.updated_at - bot.created_at > MOMENT,
            ),
        ),
        (
            "bots.view_bot",
            Step(
                "Talk to it here, in the browser",
                "The same conversation as on the phone, without a phone.",
                talk,
                Call.objects.filter(is_test=True).exists(),
            ),
        ),
        (
            "bots.view_phonenumber",
            Step(
                "Point a phone number here",
                "With your Twilio account, or step by step.",
                reverse("admin:numbers"),
                PhoneNumber.objects.exists(),
            ),
        ),
    ]
    return [
        step if person.has_perm(needed) else Step(step.what, step.why, "", step.done)
        for needed, step in steps
    ]


def _links() -> CallLinks:
    return CallLinks(reverse("admin:calls_call_changelist"))
