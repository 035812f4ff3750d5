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


async def test_days_of_ones_own_are_rows(page: Page) -> None:
    number = await PhoneNumber.objects.acreate(
        number=NUMBER, special_days="12-31: closed\n2026-12-24: 9:00-13:00 (Eve (late))"
    )
    await page.goto(f"/admin/bots/phonenumber/{number.pk}/change/")
    rows = page.locator("ol.days > li")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0).get_by_label("Name")).to_have_value("Eve (late)")
    await rows.nth(0).get_by_role("button", name="More hours").click()
    await rows.nth(0).get_by_label("Opens 2").fill("15:00")
    await expect(rows.nth(0).get_by_text("Fill in both times.")).to_be_visible()
    await rows.nth(0).get_by_label("Closes 2").fill("16:00")
    await page.get_by_role("button", name="Add a day").click()
    await rows.nth(2).get_by_label("Day", exact=True).fill("2027-08-02")
    await rows.nth(2).get_by_label("Until").fill("2027-08-20")
    await rows.nth(2).get_by_label("Name").fill("Break")
    await rows.nth(1).get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    await number.arefresh_from_db()
    assert number.special_days.splitlines() == [
        "2026-12-24: 9:00-13:00, 15:00-16:00 (Eve (late))",
        "2027-08-02 to 2027-08-20: closed (Break)",
    ]


async def test_pasted_days_become_rows_or_say_why_not(page: Page) -> None:
    await page.goto("/admin/bots/phonenumber/add/")
    closed = page.get_by_role("heading", name="When it is closed")
    await expect(closed).to_be_hidden()
    days = page.get_by_role("combobox", name="Days of your own:")
    await days.select_option("Written as text")
    text = page.get_by_label("Days of your own as text")
    await text.fill("24 Dec: closed")
    await days.select_option("As a list")
    await expect(
        page.get_by_text("“24 Dec: closed”, is not understood")
    ).to_be_visible()
    await text.fill("12-24: closed")
    await expect(closed).to_be_visible()
    await days.select_option("As a list")
    await expect(page.get_by_label("Every year")).to_be_checked()


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
