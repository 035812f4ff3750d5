"""A session ends while somebody fills in a form: nothing typed is lost, or shown."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.async_api import Page, expect

from bots.models import Bot
from tests.browser.conftest import PASSWORD, Visits, person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]


async def type_and_lose_the_session(page: Page, visits: Visits) -> Bot:
    """Fill in a bot's form; the session ends before it is saved."""
    visits.errors_of(page).expect("403")  # advice on what is being typed
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.get_by_label("Greeting:").fill("Good evening.")
    await Session.objects.all().adelete()
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("dialog")).to_contain_text("not saved yet")
    return bot


async def sign_in_beside(page: Page, name: str) -> None:
    """Sign in in the window that the form opens."""
    async with page.expect_popup() as opened:
        await page.get_by_role("button", name="Sign in again").click()
    window = await opened.value
    await window.get_by_label("Username:").fill(name)
    await window.get_by_label("Password:").fill(PASSWORD)
    async with window.expect_event("close"):
        await window.get_by_role("button", name="Sign in").click(no_wait_after=True)


async def test_a_form_outlives_its_session(page: Page, visits: Visits) -> None:
    bot = await type_and_lose_the_session(page, visits)
    await sign_in_beside(page, "admin")
    await expect(page.get_by_text("You are signed in again.")).to_be_visible()
    await expect(page.get_by_label("Greeting:")).to_have_value("Good evening.")
    await bot.arefresh_from_db()
    assert bot.greeting != "Good evening."
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
    await bot.arefresh_from_db()
    assert bot.greeting == "Good evening."


@pytest.fixture
def ben(transactional_db: None) -> Any:
    return person("ben", "viewer")


async def test_another_person_sees_nothing_of_it(
    page: Page, visits: Visits, ben: Any
) -> None:
    await type_and_lose_the_session(page, visits)
    await sign_in_beside(page, ben.username)
    await expect(page.get_by_role("dialog")).to_contain_text("Somebody else")
    assert "Good evening." not in await page.content()
    assert await page.locator("form textarea, form input[type=text]").count() == 0
    await page.get_by_role("button", name="Go to the first page").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Home")


async def test_a_form_is_saved_with_a_token_of_today(
    page: Page, visits: Visits
) -> None:
    visits.errors_of(page).expect("403")  # advice on what is being typed
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.get_by_label("Greeting:").fill("Good evening.")
    await page.context.clear_cookies(name="csrftoken")
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_visible()


async def test_a_form_stays_when_the_server_does_not_answer(
    page: Page, visits: Visits
) -> None:
    visits.errors_of(page).expect("ERR_INTERNET_DISCONNECTED")
    bot = await Bot.objects.acreate(name="Front desk")
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/")
    await page.get_by_label("Greeting:").fill("Good evening.")
    await page.context.set_offline(True)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("The server does not answer.")).to_be_visible()
    await page.context.set_offline(False)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("was changed successfully")).to_be_visible()
