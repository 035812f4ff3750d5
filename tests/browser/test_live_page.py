"""A live call, followed and controlled on the live page."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line
from tests.browser import sample
from tests.browser.audit import AUDIT
from tests.support.live import AUTH_TOKEN, LiveServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
LINE = "The kitchen closes in ten minutes."


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.answering(greeting="Hello there.")


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

    await card.get_by_label("Say in the bot's voice").fill(LINE)
    await card.get_by_role("button", name="Say next").click()
    await expect(words.locator(".words-now")).to_have_text(LINE)
    await expect(words).to_contain_text("Written by an operator.")
    await caller.record.until(lambda: len(caller.heard) > before)
    assert caller.heard[-1].kind == "clip"
    await caller.reply()
    assert sum(heard.played_seconds for heard in caller.heard[before:]) > 1
    lines = card.get_by_label("Lines of operators")
    await expect(lines).to_have_text(re.compile(rf"{LINE} Said at \d\d:\d\d:\d\d\."))
    await expect(words.locator(".words-now")).to_have_count(0)

    assert not await page.evaluate(AUDIT)  # the buttons of a running call
    await card.get_by_role("button", name="End with a goodbye").click()
    await caller.ends()
    ended = re.compile(r"An operator ended the call, \d\d:\d\d:\d\d\.")
    await expect(card).to_contain_text(ended)
    await expect(card).to_contain_text(re.compile(r"Ended at \d\d:\d\d:\d\d\."))


async def test_the_words_of_the_bot_are_shown_as_said_heard_now_and_next(
    page: Page, plain: sample.Sample, console: LiveServer
) -> None:
    bot = plain.bot
    bot.greeting = "The first sentence of a long greeting, which goes on. " * 3
    await bot.asave()
    await page.goto(plain.pages["live"])
    line = Line(console.url, AUTH_TOKEN, to=sample.NUMBER, pause=0.3, timeout=20)
    async with SimulatedCall(line):
        card = page.get_by_role("region", name=sample.NUMBER)
        words = card.get_by_role("log")
        await expect(words.locator(".words-now")).to_contain_text("a long greeting")
        await card.get_by_label("Say in the bot's voice").fill(LINE)
        await card.get_by_role("button", name="Say now").click()
        lines = card.get_by_label("Lines of operators")
        await expect(lines).to_contain_text("Waits until the sentence that plays now")

        await card.get_by_role("button", name="Full width").click()
        assert page.url.endswith(f"#{line_sid(page.url)}")
        await expect(card).to_have_class(re.compile("wide"))
    await expect(lines).to_contain_text("Could not be said: the call had ended.")
    await expect(card).to_contain_text("The caller hung up")


def line_sid(url: str) -> str:
    """The call in the address of the page."""
    found = re.search(r"CA[0-9a-f]{32}$", url)
    return found[0] if found else "no call"


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
