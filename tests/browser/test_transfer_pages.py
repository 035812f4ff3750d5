"""Transfers from the live page and in test calls."""

import re

import pytest
from playwright.async_api import Page, expect

from calls.models import Call
from calls.simulator.call import SimulatedCall
from calls.simulator.line import Line, Person
from tests.browser import sample
from tests.support.live import AUTH_TOKEN, LiveServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
SALES, DESK = "+15005550042", "+15005550043"


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    """A bot with two transfer targets, one of them on a key."""
    plain = sample.answering(greeting="Hello there.", transfer_notice="One moment.")
    for listed in (plain.bot.targets, plain.bot.menu_keys):
        listed.all().delete()
    plain.bot.targets.create(name="Sales", number=SALES, when_to_use="Orders.")
    plain.bot.targets.create(name="Front desk", number=DESK, announce=False)
    plain.bot.menu_keys.create(key="0", action="transfer", target="Sales")
    return plain


async def test_an_operator_chooses_a_person_on_the_live_page(
    page: Page, plain: sample.Sample, console: LiveServer
) -> None:
    await page.goto(plain.pages["live"])
    line = Line(console.url, AUTH_TOKEN, to=sample.NUMBER, pause=0.3, timeout=20)
    async with SimulatedCall(line) as call:
        card = page.get_by_role("region", name=sample.NUMBER)
        await expect(card.get_by_role("log")).to_contain_text("Hello there.")
        people = card.get_by_label("Person to transfer the caller to")
        await expect(people).to_have_value("Sales")
        await people.select_option("Front desk")
        await card.get_by_role("button", name="Transfer").click()
        await expect(card).to_contain_text("Gone to Front desk")
        await call.ends()
    assert call.dialled == DESK
    await expect(card).to_contain_text("The call is over")


async def test_a_caller_whom_nobody_answers_leaves_and_returns_to_the_bot(
    page: Page, plain: sample.Sample, console: LiveServer
) -> None:
    await plain.bot.targets.aupdate(ring_seconds=5)
    await page.goto(plain.pages["live"])
    line = Line(console.url, AUTH_TOKEN, to=sample.NUMBER, person=Person.NO_ANSWER)
    async with SimulatedCall(line) as call:
        card = page.get_by_role("region", name=sample.NUMBER)
        await expect(card.get_by_role("log")).to_contain_text("Hello there.")
        await card.get_by_role("button", name="Transfer").click()
        await expect(card).to_contain_text("Ringing Sales")
        await expect(card.get_by_role("button")).to_have_text(["Full width"])
        await expect(card.get_by_role("log")).to_contain_text("Sales did not answer")
        await expect(card).to_contain_text("Listening")
        await expect(card.get_by_role("button", name="Transfer")).to_be_enabled()
        await call.hang_up()
        await expect(card).to_contain_text("The caller hung up")


async def test_a_newly_opened_live_page_shows_transferred_callers(
    page: Page, plain: sample.Sample
) -> None:
    transfer = {"name": "Sales", "number": SALES, "accepted": True}
    row = Call.objects.filter(pk=plain.call.pk)
    await row.aupdate(status=Call.Status.IN_PROGRESS, transfer=transfer)
    await page.goto(plain.pages["live"])
    card = page.get_by_role("region", name=plain.call.from_number)
    await expect(card).to_contain_text("With Sales")
    await expect(card).to_contain_text("Front desk")
    await expect(card.get_by_role("button")).to_have_text(["Full width"])
    await expect(page).to_have_title(re.compile(r"^\(1\) "))
    await row.aupdate(transfer={"returned": "Sales did not take the call."})
    await expect(card).to_contain_text("On the way back to the bot")
    await row.aupdate(status=Call.Status.COMPLETED, transfer={})
    await expect(card).to_contain_text("The call is over")


async def test_on_the_test_page_the_operator_plays_the_person(
    page: Page, plain: sample.Sample
) -> None:
    await page.goto(plain.pages["test call"])
    log, state = page.get_by_role("log"), page.locator("[data-part=state]")
    await page.get_by_role("button", name="Call Front desk").click()
    await expect(log).to_contain_text("Hello there.")
    await expect(state).to_have_text("The bot is listening")
    person = page.get_by_role("region", name="Twilio would call")

    await page.get_by_role("button", name="0", exact=True).click()
    await expect(person).to_contain_text(f"Sales, {SALES}")
    await expect(person).to_contain_text("Press 1 to take the call.")
    await expect(state).to_have_text("Calling a person")
    turns = log.locator(".test-call-turn.bot")
    before = await turns.count()
    await person.get_by_role("button", name="Not answer").click()
    await expect(person).to_be_hidden()
    await expect(log).to_contain_text("The caller is back with the bot.")
    await expect(turns).to_have_count(before + 1)
    await expect(state).to_have_text("The bot is listening")

    await page.get_by_role("button", name="0", exact=True).click()
    await person.get_by_role("button", name="Take the call").click()
    await expect(log).to_contain_text("The caller was transferred.")
    await expect(state).to_have_text("The call is over")
    await expect(page.get_by_role("link", name="Read this call")).to_be_visible()

    await page.get_by_role("button", name="Call Front desk").click()
    await expect(state).to_have_text("The bot is listening")
    await page.get_by_role("button", name="0", exact=True).click()
    await expect(person).to_be_visible()
    await page.get_by_role("button", name="Hang up").click()
    await expect(log).to_contain_text("The caller hung up")
