"""A large export is asked for, watched and fetched by one person."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.db.models.functions import Now
from django.test import Client
from pytest_django import Settings

from calls.export_files import queue
from calls.export_files.queue import State
from calls.models import AuditEvent, Call, ExportFile
from tests.calls.export_files import files
from tests.calls.export_files.files import EXPORT, PAGE, body, sent_at_once
from tests.calls.export_files.files import many as many
from tests.support.live import serving
from tests.support.pages.calls import LIST
from tests.support.pages.test_call import client_of, make_user
from tests.support.services import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def link_to(file: ExportFile) -> str:
    return f"{PAGE}{file.pk}/"


def text(client: Client, path: str = PAGE) -> str:
    return client.get(path).content.decode()


@pytest.mark.parametrize(
    ("form", "ending"),
    [("csv", ".csv"), ("turns-csv", "-turns.csv"), ("jsonl", ".jsonl")],
)
def test_a_large_export_is_asked_for_watched_and_fetched(
    admin_client: Client, many: None, form: str, ending: str
) -> None:
    AuditEvent.objects.all().delete()
    assert "more than 4 calls" in text(admin_client, f"{EXPORT}.{form}")
    assert not ExportFile.objects.exists()  # a link alone starts no work
    page = admin_client.post(f"{EXPORT}.{form}", follow=True)
    assert page.redirect_chain == [(PAGE, 302)]
    assert "is being made" in page.content.decode()
    assert "0 of 5 calls" in page.content.decode()
    assert page["Refresh"] == "5"
    file = ExportFile.objects.get()
    assert admin_client.get(link_to(file)).status_code == 404
    files.make()
    assert "Refresh" not in admin_client.get(PAGE)
    assert f'href="{link_to(file)}"' in text(admin_client)
    assert not AuditEvent.objects.exists()
    fetched = admin_client.get(link_to(file))
    assert re.search(
        rf'"calls-[\d-]+{re.escape(ending)}"', fetched["Content-Disposition"]
    )
    assert body(fetched) == sent_at_once(admin_client, form)
    file.refresh_from_db()
    assert fetched["Content-Length"] == str(file.size)
    assert AuditEvent.objects.filter(kind="exported", details=file.name).count() == 2
    admin_client.post(f"{link_to(file)}delete/")
    assert "There is no file" in text(admin_client)


def test_the_filter_of_the_list_counts(admin_client: Client, many: None) -> None:
    for number in range(6, 12):
        Call.objects.create(
            call_sid=f"CB{number}", started_at=Now(), status="refused", is_test=False
        )
    admin_client.post(f"{EXPORT}.jsonl?status__exact=refused")
    files.make()
    assert files.content(ExportFile.objects.get()).count(b'"refused"') == 6
    assert sent_at_once(admin_client, "csv?status__exact=completed").count(b"CA") == 5


def test_ticked_calls_become_a_file_too(admin_client: Client, many: None) -> None:
    ticked = list(Call.objects.values_list("pk", flat=True))
    form: dict[str, Any] = {"action": "export_csv", "_selected_action": ticked}
    assert admin_client.post(LIST, form)["Location"] == PAGE
    assert ExportFile.objects.get().call_count == files.CALLS


def test_a_file_is_for_the_person_who_asked(admin_client: Client, many: None) -> None:
    admin_client.post(f"{EXPORT}.csv")
    files.make()
    file = ExportFile.objects.get()
    other, nobody = make_user("olga", "view_call"), make_user("nick", "view_bot")
    assert "There is no file" in text(client_of(other))
    assert client_of(other).get(link_to(file)).status_code == 404
    client_of(other).post(f"{link_to(file)}delete/")
    for path in (PAGE, link_to(file)):
        assert client_of(nobody).get(path).status_code == 403
        assert Client().get(path)["Location"].startswith("/admin/login/")
    assert client_of(nobody).post(f"{link_to(file)}delete/").status_code == 403
    assert body(admin_client.get(link_to(file)))
    assert admin_client.get(f"{link_to(file)}delete/").status_code == 405


def test_numbers_are_masked_for_who_may_not_see_them(
    many: None, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    viewer = make_user("vera", "view_call")
    operator = make_user("olga", "view_call", "change_call")
    for person in (viewer, operator):
        files.ask(person, "csv")
        files.make()
    (masked,), (whole,) = queue.files_of(viewer), queue.files_of(operator)
    shown = body(client_of(viewer).get(link_to(masked)))
    assert b"+14155550001" not in shown
    assert b"+14155550001" in body(client_of(operator).get(link_to(whole)))
    operator.user_permissions.remove(*Permission.objects.filter(codename="change_call"))
    refused = client_of(operator).get(link_to(whole), follow=True)
    assert "numbers that you may no longer see" in refused.content.decode()


def test_a_person_with_many_files_is_told_so(admin_client: Client, many: None) -> None:
    for _ in range(queue.MAX_FILES):
        admin_client.post(f"{EXPORT}.csv")
    page = admin_client.post(f"{EXPORT}.csv", follow=True)
    assert "You have 5 files already" in page.content.decode()
    assert ExportFile.objects.count() == queue.MAX_FILES
    ExportFile.objects.update(problem="It is <too> large.", state="failed")
    assert "It is &lt;too&gt; large." in text(admin_client)
    ExportFile.objects.update(created_at=Now() - queue.KEPT - timedelta(seconds=1))
    assert "There is no file" in text(admin_client)


def test_a_restarted_server_makes_the_file_and_sends_it(
    database_url: str, transactional_db: None
) -> None:
    now = "2026-01-31T09:30Z"
    calls = [Call(call_sid=f"CA{n}", started_at=now) for n in range(queue.MAX_DIRECT)]
    Call.objects.bulk_create([*calls, Call(call_sid="CB", started_at=now)])
    ann = User.objects.create_superuser("ann")
    with serving(DATABASE_URL=database_url) as server:
        with browser(server.url, ann) as client:
            answer = client.post(f"{EXPORT}.jsonl")
        assert answer.headers["Location"] == PAGE
        server.process.kill()
    files.due_now()  # or it waits for the end of the dead one's claim
    ready = State.READY
    with serving(DATABASE_URL=database_url) as server, browser(server.url, ann) as http:
        wait_for(lambda: queue.files_of(ann).get().state == ready, "The file")
        (link,) = re.findall(rf"{PAGE}\d+/(?=\")", http.get(PAGE).text)
        fetched = http.get(link)
    assert fetched.headers["Content-Length"] == str(len(fetched.content))
    assert fetched.text.count('"call_sid"') == queue.MAX_DIRECT + 1


def browser(url: str, user: User) -> httpx.Client:
    """A signed-in browser."""
    session = client_of(user).cookies["sessionid"].value
    headers = {
        "Host": "bot.example.com",
        "Cookie": f"sessionid={session}; csrftoken={'c' * 32}",
        "X-CSRFToken": "c" * 32,
        "Referer": "https://bot.example.com/admin/",
    }
    return httpx.Client(base_url=url, headers=headers, timeout=30)
