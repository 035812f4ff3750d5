"""Post-call tasks in the admin: viewers see them, operators repeat them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from bots.models import Bot
from bots.models.secret import Secret
from calls.accounts.groups import OPERATOR, VIEWER
from calls.models import Call, PostCallTask
from calls.privacy import erasure, retention
from tests.support.pages.calls import LIST, listed_calls, make_call, say

pytestmark = pytest.mark.django_db
LOG = "/admin/calls/postcalltask/"


def member(name: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def call() -> Call:
    secret = Secret.objects.create(name="crm", encrypted_value="x")
    bot = Bot.objects.create(
        name="Ada",
        outcomes="booked, call back",
        webhook_url="https://crm.example/calls",
        webhook_secret=secret,
    )
    call = make_call(
        bot=bot,
        bot_name="Ada",
        summary="Ann wants a table.\n<b>Soon.</b>",
        outcome="booked",
        extracted_fields={"email": "ann@example.com"},
    )
    say(call, "caller", "A table, please.")
    return call


def failed(call: Call, **values: Any) -> PostCallTask:
    entry = {"at": "2026-11-25T12:00:00+00:00", "ms": 1234, "done": False}
    response = {"status": 500, "words": "The receiver answered 500."}
    usual = {"kind": "webhook", "state": "failed", "attempts": 8}
    return PostCallTask.objects.create(
        call=call,
        due_at=timezone.now(),
        log=[{**entry, **response}],
        **{**usual, **values},
    )


def test_a_calls_page_shows_its_outcome_and_its_tasks(call: Call) -> None:
    row = failed(call)
    page = member(VIEWER).get(f"{LIST}{call.pk}/change/").content.decode()
    assert "Ann wants a table." in page
    assert "&lt;b&gt;Soon.&lt;/b&gt;" in page
    assert "ann@example.com" in page
    assert "Given up. The receiver answered 500." in page
    assert f"{LOG}{row.pk}/change/" in page
    assert "/again/" not in page


def test_a_call_without_anything_to_tell_has_no_such_part() -> None:
    call = make_call()
    page = member(OPERATOR).get(f"{LIST}{call.pk}/change/").content.decode()
    assert "After the call" not in page


def test_an_operator_has_it_done_again(call: Call) -> None:
    row = failed(call)
    client = member(OPERATOR)
    page = client.get(f"{LIST}{call.pk}/change/").content.decode()
    assert "Send to the webhook again" in page
    assert "Summarise</button>" in page  # for the first time: the bot asks for it now
    for kind in ("webhook", "summary"):
        address = f"{LIST}{call.pk}/again/{kind}/"
        assert client.get(address).status_code == 405
        assert client.post(address).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.attempts, len(row.log)) == ("waiting", 0, 1)
    assert call.post_call_tasks.get(kind="summary").state == "waiting"
    assert LogEntry.objects.count() == 2


def test_what_waits_is_tried_at_once_and_its_attempts_still_count(call: Call) -> None:
    later = timezone.now() + timedelta(hours=5)
    row = failed(call, state="waiting", attempts=3)
    PostCallTask.objects.update(due_at=later)
    member(OPERATOR).post(f"{LIST}{call.pk}/again/webhook/")
    row.refresh_from_db()
    assert row.attempts == 3
    assert row.due_at <= timezone.now()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"is_test": True}, "webhook"),
        ({"status": "in-progress", "ended_at": None}, "summary"),
        ({"status": "refused"}, "webhook"),
        ({}, "nonsense"),
    ],
)
def test_what_is_not_to_be_done_is_not(
    call: Call, values: dict[str, Any], kind: str
) -> None:
    Call.objects.update(**values)
    answer = member(OPERATOR).post(f"{LIST}{call.pk}/again/{kind}/")
    assert answer.status_code == 404
    assert not PostCallTask.objects.exists()


def test_viewers_read_the_log_and_do_nothing_again(call: Call) -> None:
    row = failed(call)
    client = member(VIEWER)
    page = client.get(LOG).content.decode()
    assert "Given up. The receiver answered 500." in page
    assert "Repeat the selected" not in page
    page = client.get(f"{LOG}{row.pk}/change/").content.decode()
    assert "25 Nov 2026, 12:00:00" in page
    assert "HTTP 500, 1,234 ms" in page
    assert "Save" not in page
    assert "/again/" not in page
    assert client.post(f"{LIST}{call.pk}/again/webhook/").status_code == 403
    client.post(LOG, {"action": "again", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.state == "failed"


def test_an_operator_has_one_done_again_from_its_own_page(call: Call) -> None:
    row, client = failed(call), member(OPERATOR)
    page = client.get(f"{LOG}{row.pk}/change/").content.decode()
    again = f"{LIST}{call.pk}/again/webhook/"
    assert f'formaction="{again}">Send to the webhook again' in page
    assert client.post(again).status_code == 302
    Bot.objects.update(webhook_url="", webhook_secret=None)
    page = client.get(f"{LOG}{row.pk}/change/").content.decode()
    assert "/again/" not in page


def test_several_are_done_again_from_the_log(call: Call) -> None:
    row = failed(call)
    other = failed(make_call(2))  # no bot asks for it
    chosen = {"action": "again", "_selected_action": [row.pk, other.pk]}
    page = member(OPERATOR).post(LOG, chosen, follow=True).content.decode()
    assert "Will be repeated now: 1." in page
    assert "Not repeated: 1." in page
    states = dict(PostCallTask.objects.values_list("pk", "state"))
    assert states == {row.pk: "waiting", other.pk: "failed"}


def test_the_log_is_filtered_and_searched_in_few_queries(
    call: Call, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2, 30):
        failed(make_call(number, bot=call.bot))
    client = member(VIEWER)
    query = (
        f"?state__exact=failed&kind__exact=webhook&call__bot__id__exact={call.bot_id}"
    )
    client.get("/admin/")  # the first page stores something in the session
    with django_assert_max_num_queries(12):
        page = client.get(f"{LOG}{query}")
    assert page.context["cl"].result_count == 28
    page = client.get(f"{LOG}?q=CA{5:032x}")
    assert page.context["cl"].result_count == 1


def test_the_list_of_calls_shows_outcomes_and_is_filtered_by_them(call: Call) -> None:
    other = make_call(2)
    client = member(VIEWER)
    assert "booked" in client.get(LIST).content.decode()
    assert listed_calls(client, "outcome__exact=booked") == {call.pk}
    assert listed_calls(client, "outcome__exact=call+back") == set()
    assert listed_calls(client, "") == {call.pk, other.pk}


def test_a_superuser_still_deletes_a_call_with_what_came_after(
    call: Call, admin_client: Client
) -> None:
    failed(call)
    answer = admin_client.post(f"{LIST}{call.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not PostCallTask.objects.exists()


def test_a_forgotten_caller_leaves_no_summary_and_nothing_to_be_sent(
    call: Call,
) -> None:
    failed(call, state="waiting")
    member(OPERATOR).post(f"{LIST}{call.pk}/again/webhook/")
    erasure.erase(call.from_number)
    assert not Call.objects.exists()
    assert not PostCallTask.objects.exists()
    assert not LogEntry.objects.exists()


def test_an_expired_call_takes_its_log_with_it(call: Call) -> None:
    failed(call)
    failed(make_call(2))
    Bot.objects.update(retention_days=1)
    Call.objects.filter(pk=call.pk).update(
        started_at=timezone.now() - timedelta(days=2)
    )
    assert retention.purge_some(timezone.now()).calls == 1
    assert PostCallTask.objects.get().call_id != call.pk
