"""The hours of a number and the outage switch, in a browser."""

import pytest
from playwright.async_api import Page, expect

from bots.models import Outage, PhoneNumber

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
NUMBER = "+15005550142"


async def test_hours_are_chosen_without_writing_codes(page: Page) -> None:
    await page.goto("/admin/bots/phonenumber/add/")
    await page.get_by_label("Number:").fill("+1 500 555 0142")
    hours = page.get_by_role("combobox", name="Opening hours:")
    await hours.select_option("At these times")
    await expect(page.get_by_text("Mon-Fri 9:00-17:00")).to_be_visible()
    region = page.get_by_label("Region:")
    await expect(region).to_be_hidden()
    await page.get_by_label("Public holidays:").select_option("Germany")
    await region.select_option("Bayern")
    transfer = page.get_by_label("Transfer to:")
    await expect(transfer).to_be_hidden()
    await page.get_by_label("When closed:", exact=True).select_option(
        "Transfer to a number"
    )
    await transfer.fill("+15005550077")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("was added successfully")).to_be_visible()
    number = await PhoneNumber.objects.aget()
    assert (number.opening_hours, number.time_zone) == ("Mon-Fri 9:00-17:00", "UTC")
    assert (number.holiday_country, number.holiday_region) == ("DE", "BY")
    assert number.transfer_number == "+15005550077"


async def test_an_outage_takes_a_click_and_a_confirmation(page: Page) -> None:
    await PhoneNumber.objects.acreate(number=NUMBER)
    await page.goto("/admin/bots/phonenumber/")
    await page.get_by_role("link", name="Announce an outage…").click()
    await expect(page.get_by_label("Transfer to:")).to_be_hidden()
    await expect(page.get_by_label("Time of its end:")).to_be_hidden()
    await page.get_by_role("button", name="Announce the outage").click()
    await expect(page.get_by_text("Outage of all numbers.")).to_be_visible()
    assert await Outage.objects.acount() == 1
    await page.get_by_role("button", name="End this outage").click()
    await expect(page.get_by_text("Outage of all numbers.")).to_have_count(0)
    assert await Outage.objects.acount() == 0
