"""The screenshots of the README: pages, sizes, and the actions before each."""

from playwright.async_api import Page, expect

from calls.simulator.call import SimulatedCall
from tests.browser.waiting import until
from tests.pictures.camera import Picture

TO_TOP = "element => element.scrollIntoView()"
SOUND = "document.querySelector('meter')?.value > 0.02"


async def _test_call(page: Page, call: SimulatedCall) -> None:
    """Interrupt a long answer and get the next one."""
    log, line = page.get_by_role("log"), page.get_by_label("Say something")
    await page.get_by_role("button", name="Call Bella Italia").click()
    await until(page, SOUND)
    await expect(page.locator("[data-part=state]")).to_have_text("The bot is listening")
    await line.fill("Hello! Can you tell me a story about the restaurant?")
    await line.press("Enter")
    await expect(log).to_contain_text("Every morning it waited")
    await until(page, SOUND)
    await line.fill("Thank you. When do you close on Sunday?")
    await line.press("Enter")
    await expect(log.locator("del")).to_be_visible()
    await expect(log).to_contain_text("at nine")
    await expect(page.locator("[data-part=latest] *").first).to_be_visible()


async def _voices(page: Page, call: SimulatedCall) -> None:
    """Search the voices, and show the bot's own fields above them."""
    await page.get_by_role("button", name="Choose a voice…").click()
    voices = page.get_by_role("group", name="Inworld's voices")
    await voices.get_by_label("Language").select_option("")
    await voices.get_by_label("Search").fill("calm")
    await expect(voices.get_by_role("listitem").first).to_be_visible()
    await page.get_by_role("heading", name="Voice and language").evaluate(TO_TOP)


async def _answer(page: Page, call: SimulatedCall) -> None:
    """Play a line, and open the details of the answer after the interruption."""
    await page.locator(".turn-jump").nth(3).click()
    await page.get_by_role("button", name="Pause").click()
    await page.locator(".turn-details summary").nth(1).click()
    await page.locator(".call-main").evaluate(TO_TOP)


async def _live(page: Page, call: SimulatedCall) -> None:
    """Follow a call in progress and type a line as the operator."""
    words = page.get_by_role("log").first
    await expect(words).to_contain_text("book a table?")
    await call.say("Hello! Can you tell me a story about the restaurant?")
    await expect(words).to_contain_text("Every morning it waited")
    await call.interrupt("Thank you. When do you close on Sunday?", after=1.5)
    await expect(words).to_contain_text("on Sundays at nine")
    await page.get_by_label("Say in the bot's voice").first.fill(
        "The kitchen closes at half past."
    )


# The live call does not wait: it comes first.
ALL = [
    Picture("live", "/admin/live/", _live, height=720, dark=True),
    Picture("home", "/admin/", height=1000),
    Picture("editor", "/admin/bots/bot/1/change/", _voices),
    Picture("talk", "/admin/test-call/1/", _test_call, height=800),
    Picture("call", "/admin/calls/call/309/change/", _answer),
    Picture("calls", "/admin/calls/call/", height=700),
    Picture("phone", "/admin/calls/call/", width=375, height=760),
]
