"""Helpers for tests of the dashboard: calls to count, and the page's content."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from bots.models import Bot
from calls.console.dashboard.charts import Chart
from calls.diagnostics.findings import Finding
from calls.models import Call, Turn

Ring = Callable[..., Call]


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", is_default=True)


@pytest.fixture
def ring(bot: Bot) -> Ring:
    """A function that creates calls; by default an answered one that just started."""

    def one(ago: timedelta = timedelta(), **values: Any) -> Call:
        at = timezone.now() - ago
        defaults = {
            "call_sid": f"CA{Call.objects.count():032x}",
            "bot": bot,
            "bot_name": bot.name,
            "status": Call.Status.COMPLETED,
            "started_at": at,
            "answered_at": at,
            "ended_at": at,
        }
        return Call.objects.create(**{**defaults, **values})

    return one


def answer(call: Call, **values: Any) -> Turn:
    defaults = {
        "role": Turn.Role.BOT,
        "model": "openai/gpt-4.1-mini",
        "started_at": call.started_at,
        "index": call.turns.count(),
    }
    return Turn.objects.create(call=call, **{**defaults, **values})


def home(client: Client, query: str = "") -> dict[str, Any]:
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    context: dict[str, Any] = response.context["home"]
    return context


def chart(client: Client, slug: str, query: str = "") -> Chart:
    charts: list[Chart] = home(client, query)["charts"]
    return next(chart for chart in charts if chart.slug == slug)


def listed_count(client: Client, link: str) -> int:
    """Return the number of calls in the list that a figure links to."""
    response = client.get(link)
    assert response.status_code == 200, link
    return int(response.context["cl"].result_count)


def text(client: Client) -> str:
    return client.get("/admin/").content.decode()


def problems(client: Client) -> list[Finding]:
    """The problems of the set-up and of today's calls."""
    shown = home(client)
    return [*shown["setup"].problems, *shown["problems"]]


def problem_messages(client: Client) -> str:
    return " ".join(finding.message for finding in problems(client))


def staff(*permissions: str) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        permission = Permission.objects.get(
            content_type__app_label=app, codename=codename
        )
        user.user_permissions.add(permission)
    return user
