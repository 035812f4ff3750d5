"""The hours of a number in the admin: its form, its list, its versions."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from bots.models import Bot, Outage, PhoneNumber
from bots.site_settings.model import ONLY_ROW, SiteSettings
from bots.versions.restoring import restore

pytestmark = pytest.mark.django_db
LIST = "/admin/bots/phonenumber/"
NUMBER, PERSON = "+15005550142", "+15005550077"
FORM = {"number": NUMBER, "max_concurrent_calls": "0", "when_closed": "message"}
ALWAYS_CLOSED = "2020-01-01 to 2099-12-31: closed (Renovation)"


def add(client: Client, **form: Any) -> str:
    response = client.post(f"{LIST}add/", {**FORM, **form}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def page(client: Client, path: str = LIST) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_hours_are_saved_and_shown(admin_client: Client) -> None:
    add(
        admin_client,
        time_zone="Europe/Berlin",
        opening_hours="Mon-Fri 9-17",
        holiday_country="DE",
        holiday_region="BY",
        special_days=ALWAYS_CLOSED,
        closed_message="We are away.",
    )
    number = PhoneNumber.objects.get()
    assert (number.holiday_country, number.holiday_region) == ("DE", "BY")
    shown = page(admin_client, f"{LIST}{number.pk}/change/")
    headline = "Closed, not open within a year (Europe/Berlin)"
    assert f"Now: {headline}." in shown
    assert "is a closed day: Renovation." in shown
    assert '<option value="BY" selected>Bayern</option>' in shown
    assert headline in page(admin_client)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"time_zone": "Berlin"}, "Write it like Europe/Berlin or America/New_York."),
        ({"opening_hours": "soon"}, "“soon” is not understood."),
        ({"opening_hours": "Mon 9:00-5:00"}, "may mean the morning or the afternoon"),
        ({"special_days": "Xmas"}, "Line 1, “Xmas”, is not understood."),
        (
            {"special_days": "2026-08-21 to 2026-08-03: closed"},
            "Line 1: the last day, 2026-08-03, is before the first one.",
        ),
        ({"holiday_country": "XX"}, "There are no holidays for “XX”."),
        (
            {"holiday_country": "DE", "holiday_region": "TX"},
            "Germany has no region “TX” with holidays of its own. Choose one of these",
        ),
        ({"holiday_region": "BY"}, "Choose the country of this region as well."),
        ({"when_closed": "transfer"}, "Write the number to transfer callers to."),
        (
            {"when_closed": "transfer", "transfer_number": NUMBER},
            "A bot answers this number, so callers would go in circles.",
        ),
        ({"when_closed": "bot"}, "Choose the bot that answers when closed."),
        ({"when_closed": "sleep"}, "Select a valid choice."),
        ({"closed_message": "Hi {{ name | upper }}"}, "name"),
    ],
)
def test_bad_input_is_refused_in_plain_words(
    admin_client: Client, form: dict[str, str], words: str
) -> None:
    assert escape(words) in add(admin_client, **form)
    assert not PhoneNumber.objects.exists()


def test_a_new_number_has_the_time_zone_of_the_console(admin_client: Client) -> None:
    SiteSettings.objects.create(pk=ONLY_ROW, time_zone="Europe/Rome")
    new = page(admin_client, f"{LIST}add/")
    assert 'name="time_zone" value="Europe/Rome"' in new
    add(admin_client)
    assert PhoneNumber.objects.get().time_zone == ""
    PhoneNumber.objects.all().delete()
    add(admin_client, opening_hours="Mon 9-17")
    assert PhoneNumber.objects.get().time_zone == "Europe/Rome"


def test_the_other_bot_must_be_another_one(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Day")
    form = {"bot": bot.pk, "closed_bot": bot.pk, "when_closed": "bot"}
    assert "This bot answers the number anyway." in add(admin_client, **form)


def test_regions_are_listed_for_the_page(admin_client: Client, client: Client) -> None:
    url = f"{LIST}regions/"
    regions = admin_client.get(f"{url}?country=AT").json()["regions"]
    assert ["9", "Wien"] in regions
    assert admin_client.get(f"{url}?country=nowhere").json() == {"regions": []}
    client.force_login(User.objects.create_user("none", is_staff=True))
    assert client.get(url).status_code == 403


def test_an_outage_is_marked_in_the_list(admin_client: Client) -> None:
    number = PhoneNumber.objects.create(number=NUMBER)
    mark = '<strong class="number-outage">Outage</strong>'
    assert mark not in page(admin_client)
    outage = Outage.objects.create(number=number, set_by="ann")
    assert mark in page(admin_client)
    assert '<span class="number-open' not in page(admin_client)
    Outage.objects.filter(pk=outage.pk).update(number=None)
    assert mark in page(admin_client)
    Outage.objects.update(until=timezone.now())
    assert mark not in page(admin_client)


def test_a_list_of_many_numbers_needs_no_query_for_each(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    PhoneNumber.objects.bulk_create(
        PhoneNumber(number=f"+1415555{n:04}", opening_hours="Mon 9-17")
        for n in range(60)
    )
    with django_assert_max_num_queries(16):
        page(admin_client)


def test_a_viewer_sees_no_number_of_a_person(
    client: Client, settings: Settings
) -> None:
    settings.MASK_CALLER_NUMBERS = True
    number = PhoneNumber.objects.create(
        number=NUMBER,
        bot=Bot.objects.create(name="Day"),
        special_days=ALWAYS_CLOSED,
        when_closed="transfer",
        transfer_number=PERSON,
    )
    user = User.objects.create_user("viewer", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    client.force_login(user)
    paths = [
        f"{LIST}{number.pk}/change/",
        f"/admin/numbers/preview/?number=%2B{NUMBER[1:]}",
        f"{LIST}{number.pk}/history/{number.history.get().pk}/",
    ]
    for path in paths:
        shown = page(client, path)
        assert "•••" in shown, path
        assert PERSON not in shown, path


def test_versions_have_the_hours(admin_client: Client) -> None:
    other = Bot.objects.create(name="Night")
    number = PhoneNumber.objects.create(
        number=NUMBER, opening_hours="Mon 9-17", when_closed="bot", closed_bot=other
    )
    number.opening_hours = "Tue 9-17"
    number.save()
    history = page(admin_client, f"{LIST}{number.pk}/history/")
    assert "Opening hours" in history
    first = number.history.earliest()
    other.delete()
    notes = restore(first)
    number.refresh_from_db()
    assert (number.opening_hours, number.when_closed) == ("Mon 9-17", "message")
    assert "The bot for closed hours was deleted: callers hear a text." in notes


def test_the_suggested_time_zone_of_a_new_number_is_one_that_can_be_saved(
    admin_client: Client,
) -> None:
    SiteSettings.objects.create(pk=ONLY_ROW, time_zone="Etc/GMT-2")
    assert 'value="Etc/GMT-2"' in page(admin_client, f"{LIST}add/")


def test_days_as_text_become_rows_or_a_problem(
    admin_client: Client, client: Client
) -> None:
    path = f"{LIST}days/"
    text = "2026-12-24: 9-13 (Eve)\n12-31 to 01-02: closed"
    once, yearly = admin_client.get(path, {"text": text}).json()["days"]
    assert (once["first"], once["last"], once["name"]) == ("2026-12-24", "", "Eve")
    assert once["spans"] == [[540, 780]]
    assert (yearly["last"], yearly["isYearly"]) == ("2024-01-02", True)
    found = admin_client.get(path, {"text": "tomorrow"}).json()
    assert "“tomorrow”, is not understood" in found["problem"]
    client.force_login(User.objects.create(username="nobody", is_staff=True))
    assert client.get(path, {"text": ""}).status_code == 403
