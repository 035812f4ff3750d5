"""A bot and its number created in the browser; voices played and chosen."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from bots.models import Bot
from tests.browser.conftest import PASSWORD, Visits
from tests.browser.keyboard import tab_to
from tests.browser.waiting import until
from tests.support.live import LiveServer

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
    await page.get_by_role("button", name="Create and open a test call").click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Test call to Harbour Hotel")
    await page.goto("/admin/bots/bot/")
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


@pytest.fixture
def editor(transactional_db: None) -> str:
    """The address of a bot's editor."""
    return f"/admin/bots/bot/{Bot.objects.create(name='Harbour Hotel').pk}/change/"


async def test_a_tab_is_chosen_by_keys_and_stays_after_a_save(
    page: Page, editor: str
) -> None:
    await page.goto(editor)
    await page.get_by_label("Greeting:").fill("Good evening.")
    await tab_to(page, page.get_by_role("tab", name="Basics"), key="Shift+Tab")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("End")
    last = page.get_by_role("tab", name="Advanced")
    await expect(last).to_be_focused()
    await expect(page.get_by_label("Greeting:")).to_be_hidden()
    await page.get_by_label("Reminders:").fill("4")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_in_viewport()
    await expect(last).to_have_attribute("aria-selected", "true")
    assert page.url.endswith(f"{editor}#advanced")
    await expect(page.get_by_label("Reminders:")).to_have_value("4")
    bot = await Bot.objects.aget()
    assert (bot.greeting, bot.idle_reprompts) == ("Good evening.", 4)
    await page.reload()
    await expect(page.get_by_label("Reminders:")).to_be_visible()


async def test_a_failed_save_opens_the_tab_of_its_first_error(
    page: Page, editor: str
) -> None:
    await page.goto(f"{editor}#id_max_reply_tokens")
    await page.get_by_label("Maximum answer length").fill("1")
    await page.get_by_role("tab", name="Recording and summary").click()
    await page.get_by_label("Webhook:").fill("nowhere")
    await page.get_by_label("Keep calls for").fill("99999")
    await page.get_by_role("tab", name="Basics").click()
    await page.get_by_role("button", name="Save", exact=True).click()
    tab = page.get_by_role("tab", name="Recording and summary")
    await expect(tab).to_have_attribute("aria-selected", "true")
    await expect(tab).to_have_accessible_name("Recording and summary 3 errors")
    advanced = page.get_by_role("tab", name="Advanced")
    await expect(advanced).to_have_accessible_name("Advanced 1 error")
    await expect(page.get_by_label("Webhook:")).to_have_value("nowhere")
    await page.get_by_role("link", name="Go to the first one").click()
    await expect(page.locator(".errorlist").first).to_be_focused()
    await advanced.click()
    await expect(page.get_by_label("Maximum answer length")).to_have_value("1")


async def test_without_scripts_all_parts_stand_below_each_other(
    browser: Browser, console: LiveServer, session: str, editor: str
) -> None:
    context = await browser.new_context(base_url=console.url, java_script_enabled=False)
    cookie = {"name": "sessionid", "value": session, "url": console.url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
    page = await context.new_page()
    await page.goto(editor)
    for label in ("Greeting:", "Tools", "Transfer number:", "Summary:", "Reminders:"):
        await expect(page.get_by_label(label, exact=True).first).to_be_visible()
    await context.close()


async def test_people_and_the_keys_that_lead_to_them_are_edited_without_a_mouse(
    page: Page, editor: str
) -> None:
    await page.goto(f"{editor}#keypad-and-people")
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
    page: Page, editor: str
) -> None:
    await page.goto(f"{editor}#knows-and-does")
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


async def test_languages_models_and_time_zones_are_chosen_by_name(
    page: Page, editor: str
) -> None:
    await page.goto(editor)
    language = page.get_by_role("combobox", name="Language:")
    await expect(language).to_have_value("English (United States)")
    await language.fill("deutsch")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(language).to_have_value("German (Germany)")
    await page.get_by_role("combobox", name="Time zone:").fill("lisb")
    model = page.get_by_role("combobox", name="AI model:")
    await model.click()
    await expect(page.get_by_role("option").first).to_contain_text("Recommended")
    await page.get_by_role("option", name="Claude Haiku").click()
    facts = page.locator(".model-facts")
    await expect(facts).to_contain_text("usual delay unknown · about $1.75 for 100")
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    bot = await Bot.objects.aget()
    assert (bot.language, bot.time_zone) == ("de-DE", "Europe/Lisbon")
    assert bot.llm_model == "anthropic/claude-haiku-4-5"
    await page.get_by_role("button", name="Use the recommended GPT 4.1 Mini").click()
    await expect(model).to_have_value("GPT 4.1 Mini")


async def test_a_list_opened_before_its_names_came_shows_them(
    page: Page, editor: str
) -> None:
    is_open = asyncio.Event()

    async def answer_late(route: Route) -> None:
        await is_open.wait()
        await route.continue_()

    await page.route("**/models/**", answer_late)
    await page.goto(editor)
    await page.get_by_role("combobox", name="AI model:").click()
    await expect(page.get_by_role("option")).to_have_count(0)
    is_open.set()
    await expect(page.get_by_role("option").first).to_contain_text("Recommended")


async def test_a_value_without_a_name_can_be_typed_and_is_saved_at_once(
    page: Page, editor: str
) -> None:
    await page.goto(editor)
    model = page.get_by_role("combobox", name="AI model:")
    await model.fill("acme/own-model")
    await page.keyboard.press("Enter")
    await expect(model).to_be_focused()  # the page is not saved
    await expect(page.get_by_text("acme/own-model is not in")).to_be_visible()
    language = page.get_by_role("combobox", name="Language:")
    await language.fill("gsw-CH")
    await page.keyboard.press("Control+s")  # with the list still open
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    bot = await Bot.objects.aget()
    assert (bot.llm_model, bot.language) == ("acme/own-model", "gsw-CH")
    await expect(model).to_have_value("acme/own-model")
    await language.fill("")
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.locator(".field-language .errorlist")).to_have_count(1)
    await expect(language).to_have_value("")
