"""A bot and its number, made in the browser; voices listened to and picked."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, Visits
from tests.browser.keyboard import tab_to
from tests.browser.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
PLAYS = "document.querySelector('audio').currentTime > 0.1"


async def test_a_person_logs_in_and_makes_a_bot_with_a_voice_and_a_number(
    visits: Visits, admin: Any
) -> None:
    page = await visits.open()
    await _log_in(page)
    await page.goto("/admin/bots/bot/add/")
    await page.get_by_label("Name:").fill("Harbour Hotel")
    await page.get_by_label("Greeting:").fill("Harbour Hotel, good evening.")
    await _pick_a_voice(page)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("row", name="Harbour Hotel")).to_contain_text("Clive")

    await page.goto("/admin/bots/phonenumber/add/")
    await page.get_by_label("Number:").fill("+1 (500) 555-0142")
    await page.get_by_label("Bot:").select_option("Harbour Hotel")
    await page.get_by_role("button", name="Save", exact=True).click()
    row = page.get_by_role("row", name="+15005550142")
    await expect(row).to_contain_text("Harbour Hotel")


async def _log_in(page: Page) -> None:
    await page.goto("/admin/")
    await page.get_by_label("Username").fill("admin")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Operator's desk")


async def _pick_a_voice(page: Page) -> None:
    await page.get_by_role("button", name="Choose a voice…").click()
    voices = page.get_by_role("group", name="Inworld's voices")
    await voices.get_by_label("Gender").select_option("male")
    await voices.get_by_label("Search").fill("british")
    await expect(voices.get_by_role("listitem")).to_have_count(1)
    await voices.get_by_role("button", name="Listen to Clive").click()
    await until(page, PLAYS)
    await voices.get_by_role("button", name="Clive British").click()
    await expect(page.get_by_label("Voice:", exact=True)).to_have_value("Clive")


async def test_a_voice_is_listened_to_and_picked_without_a_mouse(page: Page) -> None:
    await page.goto("/admin/bots/bot/add/")
    await tab_to(page, page.get_by_role("button", name="Choose a voice…"))
    await page.keyboard.press("Enter")
    voices = page.get_by_role("group", name="Inworld's voices")
    await expect(voices.get_by_label("Search")).to_be_focused()
    await page.keyboard.type("gentle")
    await expect(voices.get_by_role("listitem")).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Voice:", exact=True)).to_have_value("Deborah")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await until(page, PLAYS)
    await page.keyboard.press("Escape")
    await expect(voices).to_be_hidden()
    await expect(page.get_by_role("button", name="Choose a voice…")).to_be_focused()


async def test_a_failed_save_leads_to_its_first_error(page: Page) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.get_by_label("Name:").fill("Harbour Hotel")
    await page.get_by_label("Voice:", exact=True).fill("")
    await page.get_by_role("button", name="Save", exact=True).click()
    badge = page.locator("nav.sections .badge.error")
    await expect(badge).to_have_count(1)
    await page.get_by_role("link", name="Go to the first one").click()
    await expect(page.locator(".errorlist").first).to_be_focused()
