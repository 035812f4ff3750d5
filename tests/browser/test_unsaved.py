"""Unsaved changes: a warning before they are lost, and Ctrl-S."""

import pytest
from playwright.async_api import Dialog, Page, expect

from bots.models import Bot

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]


async def leave_and_stay(page: Page, name: str) -> list[str]:
    """Click a link, and answer the question that follows with “Stay”."""
    shown: list[str] = []

    async def stay(dialog: Dialog) -> None:
        shown.append(dialog.type)
        await dialog.dismiss()

    page.once("dialog", stay)
    async with page.expect_event("dialog"):
        await page.get_by_role("link", name=name).first.click(no_wait_after=True)
    return shown


async def leave_unasked(page: Page, name: str) -> None:
    """Click a link that leads to its page without a question."""
    shown: list[Dialog] = []

    def note(dialog: Dialog) -> None:
        shown.append(dialog)  # nobody answers it, so the page stays

    page.on("dialog", note)
    await page.get_by_role("link", name=name).first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.remove_listener("dialog", note)
    assert shown == []


async def test_a_page_with_unsaved_changes_is_not_left_by_accident(page: Page) -> None:
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.get_by_label("Greeting:").fill("Good evening.")
    assert await leave_and_stay(page, "Calls") == ["beforeunload"]
    await expect(page.get_by_label("Greeting:")).to_have_value("Good evening.")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    await bot.arefresh_from_db()
    assert bot.greeting == "Good evening."
    await leave_unasked(page, "Calls")


async def test_a_page_without_changes_is_left_without_a_question(page: Page) -> None:
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.locator("#id_language").click()  # looks at the list only
    await page.keyboard.press("Tab")
    await leave_unasked(page, "Bots")


async def test_what_was_not_saved_for_an_error_counts_as_unsaved(page: Page) -> None:
    await page.goto("/admin/bots/bot/add/")
    await page.get_by_role("button", name="Create and open a test call").click()
    await expect(page.locator(".errornote")).to_be_visible()
    await page.wait_for_load_state()  # its scripts have run
    assert await leave_and_stay(page, "Bots") == ["beforeunload"]
