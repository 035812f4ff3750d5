"""The test call page: its permission, and the call that its button makes."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from bots.config_builder import config_from_json, config_of
from bots.models import Bot
from calls.metrics import REGISTRY
from calls.models import Call
from calls.session.active_calls import active_calls
from tests.support.pages.test_call import client_of, make_user
from tests.support.pages.test_call import fresh_process as fresh_process
from tests.support.pages.test_call import operator as operator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer(transactional_db: None) -> User:
    return make_user("vera", "view_bot", "view_call")


def test_the_page_of_a_bot_is_for_who_may_change_it(
    operator: User, viewer: User, bot: Bot
) -> None:
    path = f"/admin/test-call/{bot.pk}/"
    page = client_of(operator).get(path)
    assert "Call Default" in page.content.decode()
    assert not Call.objects.exists()
    assert client_of(viewer).get(path).status_code == 403
    assert client_of(viewer).post(path).status_code == 403
    assert Client().get(path)["Location"].startswith("/admin/login/")
    assert client_of(operator).get("/admin/test-call/0/").status_code == 404
    assert client_of(operator).put(path).status_code == 405


def test_the_page_shows_a_hostile_name_as_it_is(operator: User, bot: Bot) -> None:
    Bot.objects.update(name='<script>"{{ x }}', is_active=False)
    page = client_of(operator).get(f"/admin/test-call/{bot.pk}/").content.decode()
    assert "Call &lt;script&gt;&quot;{{ x }}" in page
    assert "This bot is switched off for callers" in page


def test_a_call_needs_the_pages_own_token(operator: User, bot: Bot) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post(f"/admin/test-call/{bot.pk}/").status_code == 403
    assert not Call.objects.exists()


def test_a_call_runs_with_the_settings_of_this_moment_and_counts_as_a_test(
    operator: User, bot: Bot
) -> None:
    Bot.objects.update(greeting="Just changed.", is_active=False)
    call_data = client_of(operator).post(f"/admin/test-call/{bot.pk}/").json()
    call = Call.objects.get()
    assert call_data["callSid"] == call.call_sid
    assert call_data["page"] == f"/admin/calls/call/{call.pk}/change/"
    assert config_from_json(call.settings) == config_of(Bot.objects.get())
    assert call.settings["greeting"] == "Just changed."
    assert (call.is_test, call.from_number) == (True, "olga (browser)")
    assert not Call.objects.real().exists()


def test_who_may_not_read_calls_gets_no_link_to_this_one(bot: Bot) -> None:
    client = client_of(make_user("eva", "change_bot"))
    assert client.post(f"/admin/test-call/{bot.pk}/").json()["page"] == ""


def test_a_full_server_says_so_and_makes_no_call(
    operator: User, bot: Bot, settings: Settings
) -> None:
    settings.MAX_CALLS = 1
    client = client_of(operator)
    assert client.post(f"/admin/test-call/{bot.pk}/").status_code == 200
    answer = client.post(f"/admin/test-call/{bot.pk}/")
    assert answer.status_code == 503
    assert "MAX_CALLS" in answer.json()["problem"]
    assert Call.objects.count() == 1


def test_a_slow_server_does_not_blame_its_limit(
    operator: User, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_calls(), "is_overloaded", True)
    answer = client_of(operator).post(f"/admin/test-call/{bot.pk}/")
    assert answer.status_code == 503
    assert "too slow" in answer.json()["problem"]


def test_a_server_without_a_key_says_what_to_set(
    operator: User, bot: Bot, settings: Settings
) -> None:
    settings.INWORLD_BASE_URL, settings.INWORLD_API_KEY = (
        settings.INWORLD_PUBLIC_URL,
        "",
    )
    answer = client_of(operator).post(f"/admin/test-call/{bot.pk}/")
    assert answer.status_code == 503
    assert "INWORLD_API_KEY" in answer.json()["problem"]


def _never_connected() -> float:
    labels = {"reason": "never-connected"}
    return REGISTRY.get_sample_value("voicebot_calls_ended_total", labels) or 0


def test_a_call_whose_page_went_away_is_closed_when_the_next_is_made(
    operator: User, bot: Bot
) -> None:
    client = client_of(operator)
    client.post(f"/admin/test-call/{bot.pk}/")
    Call.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    before = _never_connected()
    client.post(f"/admin/test-call/{bot.pk}/")
    assert _never_connected() == before + 1
    latest, first = Call.objects.all()
    assert (first.status, first.end_reason) == ("failed", "never-connected")
    assert latest.status == "ringing"


def test_the_bots_variables_are_filled_in_for_the_call(
    operator: User, bot: Bot
) -> None:
    values = "customer.name = Ann <b>\ncity\nempty = x"
    Bot.objects.update(variables=values)
    client, path = client_of(operator), f"/admin/test-call/{bot.pk}/"
    page = client.get(path).content.decode()
    assert 'name="variable-customer.name" value="Ann &lt;b&gt;"' in page
    sent = {"customer.name": "Bo\n!", "city": "Rome", "empty": "", "other": "no"}
    client.post(path, {f"variable-{name}": value for name, value in sent.items()})
    assert Call.objects.get().variables == {"customer.name": "Bo !", "city": "Rome"}


def test_a_test_call_is_asked_for_the_number_it_pretends_to_come_from(
    operator: User, bot: Bot
) -> None:
    bot.numbers.create(number="+15005550006")
    path, client = f"/admin/test-call/{bot.pk}/", client_of(operator)
    page = client.get(path).content.decode()
    assert 'name="variable-caller_number" value="+15005550001"' in page
    assert 'name="variable-called_number" value="+15005550006"' in page
    Bot.objects.update(variables="caller_number = +4930123456\nnow = never")
    page = client.get(path).content.decode()
    assert 'name="variable-caller_number" value="+4930123456"' in page
    assert "variable-now" not in page
