"""Sign-ins, sign-outs and exports are recorded with name and address."""

from datetime import timedelta
from time import time

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from calls.accounts import idle
from calls.audit import retention
from calls.models import AuditEvent, Call
from tests.calls.accounts.test_sign_in import LOGIN, PASSWORD, sign_in, text
from tests.calls.accounts.test_two_factor import SETUP, recovery_codes, set_up

pytestmark = pytest.mark.django_db
HERE = "203.0.113.9"
LIST = "/admin/calls/auditevent/"


def events() -> list[tuple[str, str, str | None, str]]:
    """Return all events, the oldest first."""
    fields = ("kind", "name", "address", "details")
    return list(AuditEvent.objects.order_by("pk").values_list(*fields))


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)


def test_sign_ins_and_the_beginning_of_a_lockout_are_recorded(ann: User) -> None:
    for _ in range(9):
        sign_in(Client(), "wrong", REMOTE_ADDR=HERE)
    sign_in(Client(), REMOTE_ADDR="203.0.113.10")
    assert events() == [
        *[("failed", "ann", HERE, "")] * 4,
        ("locked-out", "ann", HERE, ""),
        ("signed-in", "ann", "203.0.113.10", ""),
    ]
    assert "wrong" not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("name", ["x" * 9000, "a\r\nb", "a\x00b", "", "💥"])
def test_a_made_up_name_is_recorded_on_one_short_line(ann: User, name: str) -> None:
    person = {"username": name, "password": "wrong"}
    assert Client().post(LOGIN, person, REMOTE_ADDR=HERE).status_code == 200
    for _, recorded, _, _ in events():
        assert len(recorded) <= 150
        assert recorded.isprintable()
    names = AccessAttempt.objects.values_list("username", flat=True)
    assert all(len(name) <= 150 for name in names)  # fits into PostgreSQL's column


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_is_recorded(client: Client, form: str) -> None:
    viewer = User.objects.create_user("vic", is_staff=True)
    viewer.groups.set(Group.objects.filter(name="viewer"))
    Call.objects.create(call_sid="CA1", started_at=timezone.now())
    client.force_login(viewer)
    AuditEvent.objects.all().delete()
    answer = client.get(f"/admin/calls/call/export.{form}", REMOTE_ADDR=HERE)
    assert answer.status_code == 200
    ((kind, name, address, file),) = events()
    assert (kind, name, address) == ("exported", "vic", HERE)
    assert file in answer["Content-Disposition"]
    assert file.endswith(form)


def test_sign_outs_are_recorded_also_by_idleness(
    ann: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(REMOTE_ADDR=HERE)
    sign_in(client)
    client.post("/admin/logout/")
    client.post("/admin/logout/")  # of nobody
    sign_in(client)
    client.get("/admin/")
    later = time() + 2 * settings.SESSION_IDLE_SECONDS
    monkeypatch.setattr(idle, "time", lambda: later)
    client.get("/admin/")
    kinds = ["signed-in", "signed-out"] * 2
    assert events() == [(kind, "ann", HERE, "") for kind in kinds]


def test_changes_of_two_factor_sign_in_are_recorded(ann: User) -> None:
    ben, client = User.objects.create_user("ben"), Client(REMOTE_ADDR=HERE)
    client.force_login(ann)
    AuditEvent.objects.all().delete()
    first, *_ = set_up(client)
    client.post(SETUP, {"code": "wrong"})
    page = text(client.post(SETUP, {"code": first}))
    client.post(SETUP, {"code": recovery_codes(page)[0], "off": "1"})
    TOTPDevice.objects.create(user=ben)
    chosen = {"action": "turn_off_two_factor", "_selected_action": ben.pk}
    client.post("/admin/auth/user/", chosen)
    details = ["Turned on", "New recovery codes", "Turned off", "Turned off for ben"]
    assert events() == [("two-factor", "ann", HERE, words) for words in details]


def test_superusers_read_the_list_and_nobody_changes_it(ann: User) -> None:
    client = Client()
    sign_in(client, REMOTE_ADDR=HERE)
    assert HERE in text(client.get(LIST))
    assert HERE in text(client.get(LIST, {"q": "ann", "kind__exact": "signed-in"}))
    event = AuditEvent.objects.get()
    chosen = {"action": "delete_selected", "_selected_action": event.pk}
    client.post(LIST, {**chosen, "post": "yes"})
    client.post(f"{LIST}{event.pk}/delete/", {"post": "yes"})
    client.post(f"{LIST}{event.pk}/change/", {"name": "ben"})
    assert AuditEvent.objects.get().name == "ann"
    assert client.get(f"{LIST}add/").status_code == 403


def test_other_groups_do_not_see_it(client: Client) -> None:
    person = User.objects.create_user("vic", is_staff=True)
    person.groups.set(Group.objects.all())
    client.force_login(person)
    assert client.get(LIST).status_code == 403


def test_old_events_and_those_above_the_maximum_are_deleted(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(retention, "MAX_EVENTS", 3)
    for number in range(6):
        AuditEvent.objects.create(kind="failed", name=str(number))
    AuditEvent.objects.filter(name="5").update(at=timezone.now() - timedelta(days=181))
    retention.purge_events(timezone.now())
    assert [name for _, name, _, _ in events()] == ["2", "3", "4"]
    retention.purge_events(timezone.now())
    assert AuditEvent.objects.count() == 3
