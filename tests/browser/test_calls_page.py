"""Tests of the call list and the call page in the browser."""

import pytest
from playwright.async_api import expect

from tests.browser import sample
from tests.browser.conftest import Visits, person, session_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.plain()


@pytest.fixture
def viewer(transactional_db: None) -> str:
    """The session of a user who may only view."""
    return session_of(person("reader", group="viewer"))


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
    await expect(page.get_by_text("daily 9-17", exact=True)).to_be_visible()
    await expect(page.get_by_text("You are Sam.")).to_be_hidden()
    visits.errors_of(page).expect("403")
    for path in (plain.pages["test call"], plain.pages["new bot"]):
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 403
    await page.goto(plain.pages["live"])
    await expect(page.get_by_text("No calls in progress.")).to_be_visible()
