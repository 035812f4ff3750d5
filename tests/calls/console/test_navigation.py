"""The links at the top of every page, and the page Settings."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from bots.models import Bot
from tests.support.pages.dashboard import staff

pytestmark = pytest.mark.django_db

NAV = re.compile(r'<nav class="main-nav".*?</nav>', re.DOTALL)
LINK = re.compile(r'<a href="([^"]+)"( aria-current="page")?>([^<]+)</a>')


def links(client: Client, path: str = "/admin/") -> list[tuple[str, str, str]]:
    """Address, mark of the current page, and label of each link."""
    page = client.get(path).content.decode()
    (nav,) = NAV.findall(page)
    return LINK.findall(nav)


def test_every_page_leads_to_the_others(admin_client: Client) -> None:
    shown = links(admin_client)
    labels = [label for _, _, label in shown]
    assert labels == ["Home", "Live", "Calls", "Bots", "Numbers", "Tools", "Settings"]
    for path, _, label in shown:
        (current,) = [name for _, mark, name in links(admin_client, path) if mark]
        assert current == label


@pytest.mark.parametrize(
    ("view", "section"),
    [
        ("bots_bot_add", "Bots"),
        ("bots_phonenumber_add", "Numbers"),
        ("numbers", "Numbers"),
        ("number-preview", "Numbers"),
        ("bots_secret_changelist", "Settings"),
        ("auth_user_add", "Settings"),
        ("password_change", "Settings"),
    ],
)
def test_a_page_belongs_to_a_section(
    admin_client: Client, view: str, section: str
) -> None:
    shown = links(admin_client, reverse(f"admin:{view}"))
    assert [label for _, mark, label in shown if mark] == [section]


def test_a_page_below_another_leads_back_to_it(admin_client: Client) -> None:
    bot = Bot.objects.create(name="Front desk")
    page = admin_client.get(reverse("admin:bots_bot_change", args=[bot.pk]))
    trail = re.search(r'<nav class="trail".*?</nav>', page.content.decode(), re.DOTALL)
    assert trail
    assert re.findall(r">([^<>\s][^<>]*)</a>", trail[0]) == ["Bots"]
    assert "<h1>Front desk</h1>" in page.content.decode()


def test_settings_lists_the_other_pages(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:settings")).content.decode()
    listed = re.findall(r'<h2><a href="([^"]+)">', page)
    assert len(listed) == 12
    assert all(admin_client.get(path).status_code == 200 for path in listed)
    assert admin_client.get("/admin/bots/").headers["Location"] == "/admin/settings/"


def test_nobody_is_led_to_a_page_that_is_closed_to_them(client: Client) -> None:
    client.force_login(staff("bots.view_bot"))
    labels = [label for _, _, label in links(client)]
    assert labels == ["Home", "Bots", "Settings"]
    page = client.get(reverse("admin:settings")).content.decode()
    assert re.findall(r"<h2><a[^>]*>([^<]+)", page) == ["Two-factor sign-in"]


def test_who_is_not_signed_in_sees_no_navigation(client: Client) -> None:
    assert not NAV.search(client.get("/admin/login/").content.decode())


def test_pages_below_settings_lead_back_to_it(admin_client: Client) -> None:
    trail = 'aria-label="Pages above this one"><a href="/admin/settings/">Settings</a>'
    for name in ("bots_secret_changelist", "auth_user_changelist", "invitations"):
        assert trail in admin_client.get(reverse(f"admin:{name}")).content.decode()
    for name in ("settings", "bots_bot_changelist"):
        assert trail not in admin_client.get(reverse(f"admin:{name}")).content.decode()


def test_the_list_of_bots_leads_to_test_calls_for_those_who_may(
    admin_client: Client, client: Client
) -> None:
    bot = Bot.objects.create(name="Front desk")
    link = reverse("admin:test-call", args=[bot.pk])
    assert link in admin_client.get("/admin/bots/bot/").content.decode()
    client.force_login(staff("bots.view_bot"))
    shown = client.get("/admin/bots/bot/").content.decode()
    assert "Front desk" in shown
    assert link not in shown
