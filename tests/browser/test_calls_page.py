"""Tests of the call list and the call page in the browser."""

import pytest
from playwright.async_api import expect

from tests.browser import sample
from tests.browser.conftest import Visits, person, session_of
from tests.browser.windows import PHONE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]

# How far a page can be moved sideways.
SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.plain()


@pytest.fixture
def viewer(transactional_db: None) -> str:
    """The session of a user who may only view."""
    return session_of(person("reader", group="viewer"))


@pytest.fixture
def operator(transactional_db: None) -> str:
    """The session of a user who may write about calls."""
    return session_of(person("olga", group="operator"))


async def test_a_viewer_reads_calls_and_bots_and_has_no_button_to_change_them(
    visits: Visits, viewer: str, plain: sample.Sample
) -> None:
    page = await visits.open(viewer)
    await page.goto(plain.pages["call"])
    await page.get_by_text("Export", exact=True).click()
    await expect(page.get_by_role("link", name="Call as JSON")).to_be_visible()
    await page.goto(plain.pages["editor basics"])
    await expect(page.get_by_text("You are Sam.")).to_be_visible()
    await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    await expect(page.locator("#bot_form textarea, #bot_form select")).to_have_count(0)
    await expect(page.get_by_role("link", name="Test call")).to_have_count(0)
    await page.get_by_role("tab", name="Keypad and people").click()
    await expect(page.get_by_text("daily 0:00-24:00", exact=True)).to_be_visible()
    await expect(page.get_by_text("You are Sam.")).to_be_hidden()
    visits.errors_of(page).expect("403")
    for path in (plain.pages["test call"], plain.pages["new bot"]):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 403
    await page.goto(plain.pages["live"])
    await expect(page.get_by_text("No calls in progress.")).to_be_visible()


async def test_filters_are_added_and_removed_with_the_keyboard_on_a_phone(
    visits: Visits, session: str, plain: sample.Sample
) -> None:
    page = await visits.open(session, viewport=PHONE)
    await page.goto(plain.pages["calls"])
    menu = page.get_by_text("Add filter", exact=True)
    await menu.focus()
    await page.keyboard.press("Enter")
    status = page.get_by_text("Status", exact=True)
    await expect(status).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(status).to_be_hidden()
    await expect(menu).to_be_focused()
    await page.keyboard.press("Enter")
    await status.focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate(SIDEWAYS) == 0
    await page.get_by_role("link", name="Failed", exact=True).focus()
    await page.keyboard.press("Enter")
    chip = page.get_by_role("link", name="Remove the filter Status: Failed")
    await expect(chip).to_be_visible()
    await page.get_by_text("Save view", exact=True).click()
    await page.get_by_label("Name").fill("Failed")
    await page.keyboard.press("Enter")
    view = page.get_by_role("link", name="Failed", exact=True)
    await expect(view).to_have_attribute("aria-current", "page")
    await chip.click()
    await expect(chip).to_have_count(0)
    await expect(view).to_be_visible()


async def test_an_operator_notes_what_was_done(
    visits: Visits, operator: str, plain: sample.Sample
) -> None:
    page = await visits.open(operator)
    await page.goto(plain.pages["call"])
    await page.get_by_label("New note").fill("Called back.")
    await page.get_by_role("button", name="Add note").click()
    await expect(page.get_by_text("Called back.")).to_be_visible()
    await page.get_by_label("New tag").fill("refund")
    await page.keyboard.press("Enter")
    await expect(
        page.get_by_role("button", name="Remove the tag refund")
    ).to_be_visible()
    await page.get_by_role("button", name="Mark as handled").click()
    await expect(page.get_by_text("Handled by olga, ")).to_be_visible()
    await page.goto(f"{plain.pages['calls']}?q=RÉFUND")
    await expect(page.get_by_text("✓ handled by olga")).to_be_visible()
