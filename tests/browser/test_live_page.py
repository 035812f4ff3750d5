"""A live call, followed and controlled on the live page."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.browser import sample
from tests.support.live import AUTH_TOKEN, LiveServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
LINE = "The kitchen closes in ten minutes."


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.plain(greeting="Hello there.")


@pytest_asyncio.fixture(loop_scope="session")
async def caller(
    console: LiveServer, plain: sample.Sample
) -> AsyncIterator[SimulatedCall]:
    """A call to the bot's number, in real time."""
    line = Line(console.url, AUTH_TOKEN, to=sample.NUMBER, pause=0.3, timeout=20)
    async with SimulatedCall(line) as call:
        yield call


async def test_a_call_is_followed_and_its_caller_hears_the_operators_line_and_goodbye(
    page: Page, plain: sample.Sample, caller: SimulatedCall
) -> None:
    await page.goto(plain.pages["live"])
    card = page.get_by_role("region", name=sample.NUMBER)
    words = card.get_by_role("log")
    await expect(words).to_contain_text("Hello there.")
    await caller.reply()
    await caller.say("My name is Kim")
    await expect(words).to_contain_text("My name is Kim")
    await expect(words).to_contain_text("Nice to meet you, Kim.")
    await caller.reply()
    before = len(caller.heard)

    await card.get_by_label("Say next in the bot's voice").fill(LINE)
    await card.get_by_role("button", name="Say").click()
    await expect(words).to_contain_text(LINE)
    await expect(words).to_contain_text("Written by an operator.")
    await expect(card).not_to_contain_text("The bot says it next.", timeout=10_000)
    await caller.record.until(lambda: len(caller.heard) > before)
    assert caller.heard[-1].kind == "clip"
    await caller.reply()
    assert sum(heard.played_seconds for heard in caller.heard[before:]) > 1

    await card.get_by_role("button", name="End with a goodbye").click()
    await caller.ends()
    await expect(card).to_contain_text("An operator ended the call")


async def test_the_live_page_shows_that_a_caller_is_transferred(
    page: Page, plain: sample.Sample, console: LiveServer
) -> None:
    bot = plain.bot
    bot.greeting, bot.transfer_number = "Hello. " * 20, "+15005550099"
    await bot.asave()
    await bot.targets.all().adelete()  # one number needs no choice
    await page.goto(plain.pages["live"])
    line = Line(console.url, AUTH_TOKEN, to=sample.NUMBER, pause=0.3, timeout=20)
    async with SimulatedCall(line) as call:
        card = page.get_by_role("region", name=sample.NUMBER)
        await expect(card.get_by_role("log")).to_contain_text("Hello.")
        await card.get_by_role("button", name="Transfer to").click()
        await expect(card).to_contain_text("Being transferred")
        await expect(card).to_contain_text("The bot finishes its sentence")
        await call.ends()
    assert call.dialled == "+15005550099"
