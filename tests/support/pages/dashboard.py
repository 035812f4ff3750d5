"""The first page as a test sees it: calls to count, and what the page makes of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from bots.models import Bot
from calls.console.dashboard.charts import Chart
from calls.models import Call, Turn

Ring = Callable[..., Call]


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", is_default=True)


@pytest.fixture
def ring(bot: Bot) -> Ring:
    """Makes calls: an answered one just now, unless told otherwise."""

    def one(ago: timedelta = timedelta(), **values: Any) -> Call:
        at = timezone.now() - ago
        told = {
            "call_sid": f"CA{Call.objects.count():032x}",
            "bot": bot,
            "bot_name": bot.name,
            "status": Call.Status.COMPLETED,
            "started_at": at,
            "answered_at": at,
            "ended_at": at,
        }
        return Call.objects.create(**{**told, **values})

    return one


def answer(call: Call, **values: Any) -> Turn:
    told = {
        "role": Turn.Role.BOT,
        "model": "openai/gpt-4.1-mini",
        "started_at": call.started_at,
        "index": call.turns.count(),
    }
    return Turn.objects.create(call=call, **{**told, **values})


def home(client: Client, query: str = "") -> dict[str, Any]:
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    found: dict[str, Any] = response.context["home"]
    return found


def chart(client: Client, slug: str, query: str = "") -> Chart:
    found: list[Chart] = home(client, query)["charts"]
    return next(one for one in found if one.slug == slug)


def behind(client: Client, link: str) -> int:
    """How many calls the list shows that a figure leads to."""
    response = client.get(link)
    assert response.status_code == 200, link
    return int(response.context["cl"].result_count)


def text(client: Client) -> str:
    return client.get("/admin/").content.decode()


def whats(client: Client) -> str:
    return " ".join(finding.message for finding in home(client)["problems"])


def staff(*permissions: str) -> User:
    person = User.objects.create_user("staff", is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        person.user_permissions.add(found)
    return person
