"""Unsaved changes: a warning before they are lost, and Ctrl-S."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Dialog, Page, expect

from bots.models import Bot

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest.fixture
def warnings(page: Page) -> Iterator[list[str]]:
    """The dialogs that the page has shown; each is answered with “Stay”."""
    shown: list[str] = []

    async def stay(dialog: Dialog) -> None:
        shown.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    yield shown
    page.remove_listener("dialog", stay)


async def test_a_page_with_unsaved_changes_is_not_left_by_accident(
    page: Page, warnings: list[str]
) -> None:
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.get_by_label("Greeting:").fill("Good evening.")
    async with page.expect_event("dialog"):
        await page.get_by_role("link", name="Calls").first.click(no_wait_after=True)
    await expect(page.get_by_label("Greeting:")).to_have_value("Good evening.")
    assert warnings == ["beforeunload"]
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    await bot.arefresh_from_db()
    assert bot.greeting == "Good evening."
    await page.get_by_role("link", name="Calls").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
    assert warnings == ["beforeunload"]


async def test_a_page_without_changes_is_left_without_a_question(
    page: Page, warnings: list[str]
) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.get_by_role("link", name="Bots").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Bots")
    assert warnings == []


async def test_what_was_not_saved_for_an_error_counts_as_unsaved(
    page: Page, warnings: list[str]
) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".errornote")).to_be_visible()
    async with page.expect_event("dialog"):
        await page.get_by_role("link", name="Bots").first.click(no_wait_after=True)
    assert warnings == ["beforeunload"]
