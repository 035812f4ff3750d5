"""Lists without rows name the next step."""

from django.test import Client

from bots.models import PhoneNumber

NUMBERS = "/admin/bots/phonenumber/"


def page(client: Client, query: str = "") -> str:
    return client.get(f"{NUMBERS}{query}").content.decode()


def test_the_first_one_can_be_added(admin_client: Client) -> None:
    empty = page(admin_client)
    assert (
        f'No phone numbers yet. <a href="{NUMBERS}add/">Add phone number</a>' in empty
    )
    assert "searchbar" not in empty
    assert "changelist-filter" not in empty


def test_all_can_be_shown_after_a_search_without_results(admin_client: Client) -> None:
    PhoneNumber.objects.create(number="+15005550142")
    everything = f'Nothing found. <a href="{NUMBERS}">Show all phone numbers</a>'
    assert everything in page(admin_client, "?q=zebra")
    assert everything in page(admin_client, "?is_active__exact=0")
    assert "Nothing found" not in page(admin_client)
