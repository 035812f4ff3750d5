"""A recorded call is played in the browser, and its transcript follows the sound."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from calls.models import Recording
from tests.browser import sample
from tests.browser.conftest import Visits
from tests.browser.keyboard import tab_to
from tests.browser.waiting import until
from tests.support.recordings import record_turns

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
GREETING = "Hello there."
NOW = "document.querySelector('[data-playback] audio').currentTime"
PLAYS = "!document.querySelector('[data-playback] audio').paused"


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.plain(greeting=GREETING)


@pytest.fixture
def two_parts(plain: sample.Sample) -> sample.Sample:
    """The call whose recording was broken off after three seconds and began anew."""
    Recording.objects.all().delete()
    record_turns(plain.call, until=3.0)
    record_turns(plain.call, begins=8.0)
    return plain


@pytest.fixture
def lost(plain: sample.Sample) -> sample.Sample:
    """The call, whose file somebody has deleted."""
    recording = Recording.objects.get()
    recording.file.storage.delete(str(recording.file))
    return plain


def current(page: Page) -> Locator:
    return page.locator(".turn[aria-current=true]")


async def test_the_transcript_follows_the_sound_and_a_click_on_a_line_jumps(
    page: Page, plain: sample.Sample
) -> None:
    await page.goto(plain.pages["call"])
    await expect(current(page)).to_have_count(0)
    await expect(page.locator("[data-find=time]")).to_have_text(re.compile("0:00 / 0:"))
    await page.get_by_role("button", name="Play the recording").click()
    await until(page, f"{NOW} > 0.6")
    await expect(current(page)).to_contain_text(GREETING)
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()

    # A click jumps, and the next line is reached by itself.
    answer = page.locator(".turn.bot", has_text="You said:")
    await answer.locator(".turn-text").click()
    begins = float(await answer.get_attribute("data-begins") or 0)
    await until(page, f"{NOW} >= {begins - 0.3}")
    await expect(current(page)).to_contain_text("You said:")
    await page.get_by_label("Speed").select_option("2")
    after = page.locator(".turn.caller", has_text="four").nth(1)
    await expect(after).to_have_attribute("aria-current", "true")

    # Somebody who scrolls reads elsewhere; the button brings them back.
    follow = page.get_by_role("button", name="Follow the sound")
    await expect(follow).to_be_hidden()
    await page.mouse.wheel(0, 600)
    await expect(follow).to_be_visible()
    await follow.click()
    await expect(follow).to_be_hidden()
    await expect(current(page)).to_be_in_viewport()

    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Play the recording")).to_be_visible()


async def test_it_is_played_with_the_keyboard(page: Page, plain: sample.Sample) -> None:
    await page.goto(plain.pages["call"])
    slider = page.get_by_role("slider", name="Position in the recording")
    await tab_to(page, slider)
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_attribute("aria-valuenow", "5")
    await expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(r"^0:05 of 0:\d\d: ")
    )
    await page.keyboard.press("Home")
    await expect(slider).to_have_attribute("aria-valuenow", "0")
    line = page.get_by_role("button", name=re.compile("^Play from")).nth(1)
    await tab_to(page, line)
    await page.keyboard.press("Enter")
    await until(page, f"{PLAYS} && {NOW} > 1")
    await expect(current(page)).to_contain_text("Do you have a table for four?")


async def test_parts_are_played_one_after_the_other(
    page: Page, two_parts: sample.Sample
) -> None:
    await page.goto(two_parts.pages["call"])
    part = page.locator("[data-find=choice]")
    await page.get_by_role("button", name="Play the recording").click()
    await page.get_by_label("Speed").select_option("2")
    await expect(part).to_have_value("1")
    second = "!document.querySelectorAll('[data-playback] audio')[1].paused"
    await until(page, second)
    line = page.locator(".turn[data-part='0'] .turn-jump").first
    await line.click()
    await expect(part).to_have_value("0")
    await expect(current(page)).to_contain_text(GREETING)


async def test_a_sound_that_is_gone_is_told(
    page: Page, visits: Visits, lost: sample.Sample
) -> None:
    visits.errors_of(page).expect("sound.wav|404")
    await page.goto(lost.pages["call"])
    await page.get_by_role("button", name="Play the recording").click()
    status = page.locator("[data-find=status]")
    await expect(status).to_contain_text("The file with this sound is missing")
