"""A bot and its number created in the browser; voices played and chosen."""

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
    await page.locator("#id_name").fill("Harbour Hotel")
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
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Home")


async def _pick_a_voice(page: Page) -> None:
    await page.get_by_role("button", name="Choose a voice…").click()
    voices = page.get_by_role("group", name="Inworld's voices")
    await voices.get_by_label("Gender").select_option("male")
    await voices.get_by_label("Search").fill("british")
    await expect(voices.get_by_role("listitem")).to_have_count(1)
    await voices.get_by_role("button", name="Listen to Clive").click()
    await until(page, PLAYS)
    await voices.get_by_role("button", name="Clive British").click()
    await expect(page.locator("#id_tts_voice")).to_have_value("Clive")


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
    await expect(page.locator("#id_tts_voice")).to_have_value("Deborah")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await until(page, PLAYS)
    await page.keyboard.press("Escape")
    await expect(voices).to_be_hidden()
    await expect(page.get_by_role("button", name="Choose a voice…")).to_be_focused()


async def test_a_failed_save_leads_to_its_first_error(page: Page) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.locator("#id_name").fill("Harbour Hotel")
    await page.locator("#id_tts_voice").fill("")
    await page.get_by_role("button", name="Save", exact=True).click()
    badge = page.locator("nav.sections .badge.error")
    await expect(badge).to_have_count(1)
    await page.get_by_role("link", name="Go to the first one").click()
    await expect(page.locator(".errorlist").first).to_be_focused()


async def test_people_and_the_keys_that_lead_to_them_are_edited_without_a_mouse(
    page: Page,
) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.locator("#id_name").fill("Harbour Hotel")
    people, keys = page.locator("#targets-group"), page.locator("#menu_keys-group")
    await tab_to(page, people.get_by_role("button", name="Add another Person"))
    await page.keyboard.press("Enter")
    await people.get_by_label("Name:").first.fill("Ann")
    await people.get_by_label("Number:").first.fill("0049 (0)30 12 34 56")
    await tab_to(page, keys.get_by_role("button", name="Add another Key"))
    await page.keyboard.press("Enter")
    action, leads = keys.get_by_label("Action:"), keys.get_by_label("Transfer to")
    await expect(leads.first).to_be_hidden()
    await keys.get_by_label("Key:").first.select_option("0")
    await action.first.select_option("Transfer the caller")
    await leads.first.select_option("Ann")
    # The key follows a new name, and a deleted person is an error.
    await people.get_by_label("Name:").first.fill("Anna")
    await expect(leads.first).to_have_value("Anna")
    hint = people.get_by_text("Neither the bot nor a key transfers callers")
    await expect(hint).to_have_count(0)
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.locator(".errornote")).to_have_count(0)
    await expect(people.get_by_label("Number:").first).to_have_value("+4930123456")
    await expect(leads.first).to_have_value("Anna")
    await people.get_by_label("Delete").check()
    await page.get_by_role("button", name="Save and continue editing").click()
    error = keys.get_by_text("The bot has no person called “Anna”.")
    await expect(error).to_be_visible()


async def test_a_further_language_has_a_picker_and_its_advice_goes_with_its_row(
    page: Page,
) -> None:
    await page.goto("/admin/bots/bot/add/")
    languages = page.locator("#languages-group")
    add = languages.get_by_role("button", name="Add another Language")
    await add.click()
    await add.click()
    voice = languages.get_by_label("Voice:", exact=True)
    await languages.get_by_label("Language:").nth(1).fill("de-DE")
    await voice.nth(1).fill("Nobody")
    warning = languages.get_by_text("Nobody is not in Inworld's list.")
    await expect(warning).to_have_count(1)
    await languages.get_by_role("button", name="Remove").first.click()
    await expect(warning).to_have_count(1)
    row = languages.locator(".inline-related:not(.empty-form)")
    await row.get_by_role("button", name="Choose a voice…").click()
    voices = row.get_by_role("group", name="Inworld's voices")
    await voices.get_by_label("Search").fill("johanna")
    await voices.get_by_role("button", name="Listen to Johanna").click()
    await until(page, PLAYS)
    await voices.get_by_role("button", name="Johanna").first.click()
    await expect(voice.first).to_have_value("Johanna")
    await expect(warning).to_have_count(0)
