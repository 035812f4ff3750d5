"""The state of a session, as open forms ask for it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.accounts.idle import LAST_SEEN

pytestmark = pytest.mark.django_db
STATE = "/admin/session/"


def test_it_names_the_user_and_gives_a_token_that_forms_can_use() -> None:
    client = Client(enforce_csrf_checks=True)
    user = User.objects.create_superuser("ann")
    client.force_login(user)
    response = client.get(STATE)
    state = response.json()
    assert state["user"] == user.pk
    assert "no-store" in response.headers["Cache-Control"]
    form = {"csrfmiddlewaretoken": state["token"]}
    assert client.post("/admin/logout/", form).status_code in (200, 302)
    assert client.get(STATE).json()["user"] is None


def test_nobody_is_signed_in_without_a_session_or_after_idling(client: Client) -> None:
    assert client.get(STATE).json()["user"] is None
    client.force_login(User.objects.create_superuser("ann"))
    session = client.session
    session[LAST_SEEN] = 1
    session.save()
    assert client.get(STATE).json()["user"] is None


def test_somebody_without_the_second_factor_is_not_signed_in(
    client: Client, settings: Any
) -> None:
    settings.ADMIN_REQUIRE_TOTP = True
    client.force_login(User.objects.create_superuser("ann"))
    assert client.get(STATE).json()["user"] is None


def test_people_who_are_no_staff_are_not_signed_in(client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))
    assert client.get(STATE).json()["user"] is None


def test_the_page_after_signing_in_again_is_for_staff_only(client: Client) -> None:
    assert client.get("/admin/session/back/").status_code == 302
    client.force_login(User.objects.create_superuser("ann"))
    page = client.get("/admin/session/back/").content.decode()
    assert "calls/signed_in" in page


@pytest.mark.parametrize(
    "path", ["bots/bot", "bots/phonenumber", "bots/tool", "bots/secret", "auth/user"]
)
def test_every_form_asks_before_it_is_sent(admin_client: Client, path: str) -> None:
    page = admin_client.get(f"/admin/{path}/add/").content.decode()
    assert f'data-url="{STATE}"' in page
    assert "calls/change_form" in page
