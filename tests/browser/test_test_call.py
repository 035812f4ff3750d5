"""A test call in the browser: talk, read, export and find it."""

import asyncio
import csv
import json
import re
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from playwright.async_api import Locator, Page, WebSocket, expect

from calls.simulator.schema import TO_BOT, TO_TWILIO, frame_fault
from tests.browser import sample
from tests.browser.audit import AUDIT
from tests.browser.keyboard import tab_to
from tests.browser.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
STORY_BEGINS = "Once upon a time"
UNHEARD = "Every morning it waited"  # the second sentence
HEARS_SOUND = "document.querySelector('[data-part=level]').value > 0.02"


@pytest.fixture
def test_page(transactional_db: None) -> str:
    """The test call page of a bot with a short greeting."""
    settings = {"greeting": "Hello there.", "recording": "always"}
    return sample.plain(**settings).pages["test call"]


async def say(page: Page, words: str) -> None:
    await page.get_by_label("Say something").fill(words)
    await page.keyboard.press("Enter")


async def test_a_test_call_is_held_interrupted_read_exported_and_found(
    page: Page, test_page: str
) -> None:
    frames = _watch_frames(page)
    await page.goto(test_page)
    await _talk_and_interrupt(page)
    _check_frames(*frames)
    await page.get_by_role("link", name="Read this call").click()
    story = page.locator("li.turn.bot", has_text=STORY_BEGINS)
    await expect(story.locator("del")).to_contain_text(UNHEARD)
    await expect(story).to_contain_text("Interrupted")
    await _check_recording(page, story)
    await _check_exports(page)
    await _find_by_a_word(page)


def _watch_frames(page: Page) -> tuple[list[Any], list[Any]]:
    """The frames of the page's socket: sent to the bot, and received from it."""
    sent: list[Any] = []
    received: list[Any] = []

    def watch(socket: WebSocket) -> None:
        if "/console/" in socket.url:
            socket.on("framesent", lambda raw: sent.append(json.loads(raw)))
            socket.on("framereceived", lambda raw: received.append(json.loads(raw)))

    page.on("websocket", watch)
    return sent, received


def _check_frames(sent: list[Any], received: list[Any]) -> None:
    """The page sends what Twilio sends, and gets what Twilio would take."""
    ours = [frame for frame in sent if not frame["type"].startswith("test.")]
    ours[0]["callSid"] = "CA" + ours[0]["callSid"]  # a test call is not Twilio's
    assert [frame_fault(frame, TO_BOT) for frame in ours] == [""] * len(ours)
    kinds = {frame["type"] for frame in ours}
    assert kinds == {"setup", "prompt", "interrupt", "info"}
    bots = [frame for frame in received if not frame["type"].startswith("test.")]
    assert [frame_fault(frame, TO_TWILIO) for frame in bots] == [""] * len(bots)
    assert bots


async def _talk_and_interrupt(page: Page) -> None:
    state, log = page.locator("[data-part=state]"), page.get_by_role("log")
    await page.get_by_role("button", name="Call Front desk").click()
    await expect(log).to_contain_text("Hello there.")
    await until(page, HEARS_SOUND)
    await expect(state).to_have_text("The bot is listening")
    await say(page, "Tell me a story")
    await expect(log).to_contain_text(UNHEARD)
    await until(page, HEARS_SOUND)
    await say(page, "Thank you, that is enough")
    await expect(log.locator("del")).to_contain_text(UNHEARD)
    await expect(state).to_have_text("The bot speaks")
    await page.get_by_role("button", name="Hang up").click()
    await expect(log).to_contain_text("You hung up.")


async def _check_recording(page: Page, story: Locator) -> None:
    """The call has recorded itself: its story is played until it was interrupted."""
    begins = float(await story.get_attribute("data-begins") or 0)
    await story.get_by_role("button", name=re.compile("^Play from")).click()
    audio = "document.querySelector('[data-playback] audio')"
    await until(page, f"{audio}.currentTime > {begins} + 0.3")
    await expect(story).to_have_attribute("aria-current", "true")
    peaks = json.loads(await page.locator("#peaks-0").text_content() or "")
    assert [max(channel) > 0.05 for channel in peaks] == [True, True]
    await page.get_by_role("button", name="Pause").click()


async def _check_exports(page: Page) -> None:
    export = json.loads(await _download(page, "Call as JSON"))
    questions = [turn["text"] for turn in export["turns"] if turn["role"] == "caller"]
    assert questions == ["Tell me a story", "Thank you, that is enough"]
    story = next(turn for turn in export["turns"] if turn["interrupted"])
    assert UNHEARD in story["text"]
    assert UNHEARD not in story["heard_text"]
    rows = csv.DictReader(StringIO(await _download(page, "Turns as CSV")))
    assert [row["text"] for row in rows] == [t["text"] for t in export["turns"]]


async def _download(page: Page, name: str) -> str:
    link = page.get_by_role("link", name=name)
    if not await link.is_visible():
        await page.get_by_text("Export", exact=True).click()
    async with page.expect_download() as starting:
        await link.click()
    path = await (await starting.value).path()
    return await asyncio.to_thread(path.read_text, "utf-8-sig")


async def _find_by_a_word(page: Page) -> None:
    await page.goto("/admin/calls/call/")
    rows_shown = page.locator("#result_list tbody tr")
    # Of a caller: test calls are hidden at first.
    await expect(rows_shown).to_have_count(1)
    await page.get_by_text("Add filter", exact=True).click()
    await page.get_by_text("Test calls", exact=True).click()
    await page.get_by_role("link", name="Shown", exact=True).click()
    await expect(rows_shown).to_have_count(2)
    await page.locator("#searchbar").fill("telephone")
    await page.get_by_role("button", name="Search").click()
    await expect(rows_shown).to_have_count(1)
    await expect(rows_shown).to_contain_text("test")
    await expect(rows_shown).to_contain_text("interrupted")


async def test_a_conversation_is_held_without_a_mouse(
    page: Page, test_page: str
) -> None:
    await page.goto(test_page)
    log = page.get_by_role("log")
    await tab_to(page, page.get_by_role("button", name="Call Front desk"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Say something")).to_be_focused()
    await expect(log).to_contain_text("Hello there.")
    assert not await page.evaluate(AUDIT)  # the buttons of a running call
    place = await page.get_by_label("Say something").bounding_box()
    await page.keyboard.type("My name is Kim")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("Nice to meet you, Kim.")
    # A key that is pressed earlier interrupts the answer, and the bot repeats it.
    state = page.locator("[data-part=state]")
    await expect(state).to_have_text("The bot is listening")
    await tab_to(page, page.get_by_role("button", name="7", exact=True))
    await page.keyboard.press("Space")
    await page.keyboard.press("#")
    await expect(log).to_contain_text("You pressed 7")
    assert await page.get_by_label("Say something").bounding_box() == place
    hang_up = page.get_by_role("button", name="Hang up")
    await tab_to(page, hang_up, key="Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(log).to_contain_text("You hung up.")
    await tab_to(page, page.get_by_role("link", name="Read this call"))


async def test_variables_are_filled_in_for_the_call(page: Page) -> None:
    greeting = "Hello {{customer.name|there}} at {{caller_number}}."
    settings = {"greeting": greeting, "variables": "customer.name"}
    bot = await sync_to_async(sample.plain)(**settings)
    await page.goto(bot.pages["test call"])
    await page.get_by_text("Variables of the next call").click()
    await page.get_by_label("customer.name").fill("Ann")
    await page.get_by_label("caller_number").fill("+4930123456")
    await page.get_by_role("button", name="Call Front desk").click()
    await expect(page.get_by_role("log")).to_contain_text("Hello Ann at +4930123456.")
    await page.get_by_role("button", name="Hang up").click()
    await page.get_by_role("link", name="Read this call").click()
    await expect(page.locator(".call-variables")).to_contain_text("Ann")
