"""The outage switch: who may use it, what it records, and where it is shown."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from bots.models import Bot, BotRole, Outage, PhoneNumber
from calls.models import AuditEvent
from tests.browser.sample import plain

pytestmark = pytest.mark.django_db
PAGE, LIST = "/admin/numbers/outage/", "/admin/bots/phonenumber/"
NUMBER, PERSON = "+15005550142", "+15005550077"


def client_of(group: str) -> Client:
    user = User.objects.create_user(f"the {group}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return client_of("operator")


def announce(client: Client, **form: Any) -> str:
    response = client.post(PAGE, {"action": "message", **form}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_an_operator_announces_and_ends_an_outage(operator: Client) -> None:
    number = PhoneNumber.objects.create(number=NUMBER, label="Berlin")
    page = announce(operator, number=number.pk, message="Down.", ends="60")
    assert "Outage of +15005550142 (Berlin) announced." in page
    outage = Outage.objects.get()
    assert (outage.set_by, outage.message) == ("the operator", "Down.")
    assert outage.until is not None
    left = outage.until - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)
    ended = operator.post(f"{PAGE}{outage.pk}/end/", follow=True).content.decode()
    assert "ended. The next call is answered again." in ended
    assert not Outage.objects.exists()
    events = AuditEvent.objects.filter(kind="outage").order_by("pk")
    details = [(event.name, event.details) for event in events]
    assert details[0][1].startswith("Outage of +15005550142 (Berlin) announced, until ")
    assert details[1] == ("the operator", "Outage of +15005550142 (Berlin) ended.")
    again = operator.post(f"{PAGE}{outage.pk}/end/", follow=True).content.decode()
    assert "has ended already" in again


@pytest.mark.parametrize(
    ("page_before", "follows"),
    [
        ("/admin/calls/call/?q=a", "/admin/calls/call/?q=a"),
        ("https://elsewhere.example/", LIST),
        ("//elsewhere.example/", LIST),
        ("", LIST),
    ],
)
def test_its_end_leads_back_to_the_page_with_the_button(
    operator: Client, page_before: str, follows: str
) -> None:
    outage = Outage.objects.create(set_by="ann")
    shown = _page(operator, "/admin/calls/call/?q=a")
    assert 'name="next" value="/admin/calls/call/?q=a"' in shown
    ended = operator.post(f"{PAGE}{outage.pk}/end/", {"next": page_before})
    assert ended.headers["Location"] == follows


def test_a_second_outage_takes_the_place_of_the_first(operator: Client) -> None:
    for text in ("One.", "Two."):
        announce(operator, message=text)
    outage = Outage.objects.get()
    assert (outage.number, outage.message) == (None, "Two.")


def test_the_button_of_a_number_chooses_it(operator: Client) -> None:
    number = PhoneNumber.objects.create(number=NUMBER)
    page = operator.get(f"{PAGE}?number={number.pk}").content.decode()
    assert f'<option value="{number.pk}" selected>' in page
    assert operator.get(f"{PAGE}?number=x").status_code == 200
    assert f"{PAGE}?number={number.pk}" in _page(operator, f"{LIST}{number.pk}/change/")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"action": "transfer"}, "Write the number to transfer callers to."),
        ({"action": "transfer", "transfer_number": "12"}, "country code"),
        ({"action": "transfer", "transfer_number": NUMBER}, "go in circles"),
        ({"ends": "at"}, "Write the time at which the outage ends."),
        ({"ends": "at", "until": "2020-01-01T10:00"}, "has passed already"),
        ({"ends": "at", "until": "tomorrow"}, "Write the time like 2026-12-24 13:30."),
        ({"ends": "7"}, "Select a valid choice"),
        ({"number": "99"}, "Select a valid choice"),
        ({"message": "{{ name | upper }}"}, "name"),
    ],
)
def test_bad_input_is_refused(
    operator: Client, form: dict[str, str], words: str
) -> None:
    PhoneNumber.objects.create(number=NUMBER)
    page = announce(operator, **form)
    assert words in page
    assert not Outage.objects.exists()


def test_a_time_ends_it(operator: Client) -> None:
    announce(operator, ends="at", until="2099-01-01T10:00", transfer_number=PERSON)
    until = Outage.objects.get().until
    assert until is not None
    assert until.isoformat() == "2099-01-01T10:00:00+00:00"


def test_viewers_and_operators_of_single_bots_may_not(bot: Bot) -> None:
    outage = Outage.objects.create(set_by="ann")
    user = User.objects.create_user("one", is_staff=True)
    BotRole.objects.create(user=user, bot=bot, role=BotRole.Role.OPERATOR)
    single = Client()
    single.force_login(user)
    for client in (client_of("viewer"), single):
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, {"action": "message"}).status_code == 403
        assert client.post(f"{PAGE}{outage.pk}/end/").status_code == 403
        page = _page(client, "/admin/")
        assert "Outage of all numbers." in page
        assert "End this outage" not in page
        assert "Announce an outage" not in _page(client, LIST)
    assert Outage.objects.count() == 1


def test_people_with_single_bots_see_the_outages_of_their_numbers(bot: Bot) -> None:
    user = User.objects.create_user("one", is_staff=True)
    BotRole.objects.create(user=user, bot=bot, role=BotRole.Role.VIEWER)
    client = Client()
    client.force_login(user)
    mine = PhoneNumber.objects.create(number=NUMBER, bot=bot)
    other = PhoneNumber.objects.create(number="+15005550143")
    for number in (mine, other):
        Outage.objects.create(number=number, set_by="ann")
    page = _page(client, "/admin/")
    assert NUMBER in page
    assert other.number not in page


def test_the_banner_is_on_every_page(admin_client: Client) -> None:
    sample = plain()
    for path in {path.partition("#")[0] for path in sample.pages.values()}:
        page = _page(admin_client, path)
        assert page.count("Announced by <bdi>ann</bdi>") == 1, path
        assert "End this outage" in page
    Outage.objects.update(until=timezone.now())
    assert "Announced by" not in _page(admin_client, "/admin/")


def test_ending_needs_a_post(operator: Client) -> None:
    outage = Outage.objects.create(set_by="ann")
    assert operator.get(f"{PAGE}{outage.pk}/end/").status_code == 405


def _page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()
