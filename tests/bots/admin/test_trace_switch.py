"""Operators switch on that a bot's next call is recorded, and fetch the recording."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from bots.models import Bot
from calls.models import Call
from calls.trace import files

pytestmark = pytest.mark.django_db
LIST = reverse("admin:bots_bot_changelist")


def choose(client: Client, bot: Bot) -> str:
    form = {"action": "trace_next_call", "_selected_action": str(bot.pk)}
    return client.post(LIST, form, follow=True).content.decode()


def test_the_switch_says_what_will_be_recorded(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Reception")
    page = choose(admin_client, bot)
    bot.refresh_from_db()
    assert bot.trace_next_call
    assert "everything that caller and bot say" in page
    assert "next call is recorded" in page
    assert LogEntry.objects.filter(object_id=str(bot.pk)).count() == 1


def test_only_people_who_may_edit_bots_have_the_switch(client: Client) -> None:
    bot = Bot.objects.create(name="Reception")
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_bot"))
    client.force_login(viewer)
    choose(client, bot)
    bot.refresh_from_db()
    assert not bot.trace_next_call


def test_saving_a_bot_does_not_switch_it_on_or_off(admin_client: Client) -> None:
    assert (
        "trace_next_call"
        not in admin_client.get(reverse("admin:bots_bot_add")).content.decode()
    )


def test_a_trace_is_downloaded_from_the_page_of_its_call(
    admin_client: Client, client: Client, tmp_path: Path, settings: Settings
) -> None:
    settings.RELAY_TRACE = str(tmp_path)
    now = timezone.now()
    call = Call.objects.create(call_sid="CA1", started_at=now, ended_at=now)
    page = reverse("admin:calls_call_change", args=[call.pk])
    trace = reverse("admin:calls_call_trace", args=[call.pk])
    assert trace not in admin_client.get(page).content.decode()
    assert admin_client.get(trace).status_code == 404
    files.create("CA1", time.monotonic())
    assert trace in admin_client.get(page).content.decode()
    response: Any = admin_client.get(trace)
    content = b"".join(response.streaming_content)
    assert b'"kind": "start"' in content
    assert "trace-CA1.jsonl" in response["Content-Disposition"]
    nobody = User.objects.create_user("nobody", is_staff=True)
    client.force_login(nobody)
    assert client.get(trace).status_code == 403
