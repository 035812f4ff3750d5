"""A trace is deleted together with its call, whichever way that happens."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from bots.models import Bot
from calls.models import Call
from calls.privacy.deletion import delete_calls
from calls.trace import files
from tests.support.pages.calls import LIST, make_call

pytestmark = pytest.mark.django_db(transaction=True)

Delete = Callable[[list[Call], Client], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.RELAY_TRACE = str(tmp_path)
    return tmp_path


def traced_calls(*numbers: int) -> list[Call]:
    calls = [make_call(number) for number in numbers]
    for call in calls:
        assert files.create(call.call_sid, 0.0)
    return calls


def on_their_pages(calls: list[Call], client: Client) -> None:
    for call in calls:
        page = client.post(f"{LIST}{call.pk}/delete/", {"post": "yes"})
        assert page.status_code == 302


def in_the_list(calls: list[Call], client: Client) -> None:
    ticked = [call.pk for call in calls]
    form = {"action": "delete_selected", "_selected_action": ticked, "post": "yes"}
    assert client.post(LIST, form).status_code == 302


def after_their_days(calls: list[Call], client: Client) -> None:
    delete_calls([call.pk for call in calls])


def one_by_one(calls: list[Call], client: Client) -> None:
    for call in calls:
        call.delete()


@pytest.mark.parametrize(
    "delete", [on_their_pages, in_the_list, after_their_days, one_by_one]
)
def test_the_trace_goes_with_its_call(
    folder: Path, admin_client: Client, delete: Delete
) -> None:
    *deleted, kept = traced_calls(1, 2, 3)
    delete(deleted, admin_client)
    assert [path.stem for path in folder.glob("*.jsonl")] == [kept.call_sid]
    assert Call.objects.get() == kept


def test_the_trace_stays_if_the_deletion_is_taken_back(folder: Path) -> None:
    (call,) = traced_calls(1)
    with transaction.atomic():
        call.delete()
        transaction.set_rollback(True)
    assert files.exists(Call.objects.get().call_sid)


def test_calls_of_a_deleted_bot_stay_with_their_traces(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Desk")
    (call,) = traced_calls(1)
    Call.objects.update(bot=bot)
    page = f"/admin/bots/bot/{bot.pk}/delete/"
    assert admin_client.post(page, {"post": "yes"}).status_code == 302
    assert Call.objects.get().bot is None
    assert files.exists(call.call_sid)


@pytest.mark.parametrize("delete", [on_their_pages, in_the_list])
def test_of_the_log_only_who_deleted_the_call_is_left(
    admin_client: Client, admin_user: User, delete: Delete
) -> None:
    (call,) = traced_calls(1)
    LogEntry.objects.create(
        user=admin_user,
        content_type=ContentType.objects.get_for_model(Call),
        object_id=str(call.pk),
        object_repr=call.call_sid,
        action_flag=2,
        change_message="Live: asked the bot to say “Hi Ann”",
    )
    delete([call], admin_client)
    assert LogEntry.objects.get().action_flag == DELETION
