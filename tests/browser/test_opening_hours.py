"""Opening hours as a week of times."""

import json
from random import Random

import pytest
from playwright.async_api import Page, expect

from bots.config.opening_hours import DAY_MINUTES, week_of
from bots.models import Bot

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
WRITE = """async (weeks) => {
  const { textOf } = await import("/static/bots/week.js");
  return weeks.map(textOf);
}"""
HOURS = "Mon-Fri 9:00-12:00, 13:00-17:30, Sat 10:00-14:00"


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    """A bot with a person who has opening hours."""
    bot = Bot.objects.create(name="Harbour Hotel")
    bot.targets.create(name="Ann", number="+14155550100", opening_hours=HOURS)
    return bot


async def open_people(page: Page, bot: Bot) -> None:
    await page.goto(f"/admin/bots/bot/{bot.pk}/change/#keypad-and-people")
    await edit_ann(page)


async def edit_ann(page: Page) -> None:
    await page.get_by_role("button", name="Edit Ann").click()


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.get_by_text("was changed successfully")).to_be_visible()


async def test_times_are_changed_and_copied_to_other_days(page: Page, bot: Bot) -> None:
    await open_people(page, bot)
    await page.locator("#targets-0 .hours-week > summary").click()
    saturday = page.get_by_role("group", name="Saturday")
    await expect(saturday.get_by_label("Saturday opens")).to_have_value("10:00")
    await saturday.get_by_label("Saturday closes").fill("02:00")  # the next morning
    await saturday.get_by_label("Copy the hours").click()
    await saturday.get_by_role("button", name="Sunday").click()
    monday = page.get_by_role("group", name="Monday")
    await monday.get_by_role("button", name="Remove Monday's hours 2").click()
    await monday.get_by_label("More hours on Monday").click()
    await expect(monday.get_by_label("Monday opens 2")).to_have_value("13:00")
    await page.get_by_role("checkbox", name="Wednesday").uncheck()
    await save(page)
    person = await bot.targets.aget()
    assert person.opening_hours == (
        "Mon 9:00-12:00, 13:00-16:00, Tue 9:00-12:00, 13:00-17:30, "
        "Thu-Fri 9:00-12:00, 13:00-17:30, Sat-Sun 10:00am-2:00am"
    )
    shown = page.locator("#targets-0 .hours-week > summary")
    await expect(shown).to_have_text(person.opening_hours)


async def test_hours_can_be_pasted_as_text_and_then_be_any_time(
    page: Page, bot: Bot
) -> None:
    await open_people(page, bot)
    hours = page.locator("#targets-0").get_by_label("Opening hours:")
    await hours.select_option("Written as text")
    await page.get_by_label("Opening hours as text").fill("Mo-Fr 9-17")
    await hours.select_option("At these times")
    friday = page.get_by_role("group", name="Friday")
    await expect(friday.get_by_label("Friday closes")).to_have_value("17:00")
    await hours.select_option("At any time")
    await save(page)
    assert (await bot.targets.aget()).opening_hours == ""


async def test_what_cannot_be_read_stays_and_says_so(page: Page, bot: Bot) -> None:
    await open_people(page, bot)
    hours = page.locator("#targets-0").get_by_label("Opening hours:")
    await hours.select_option("Written as text")
    text = page.get_by_label("Opening hours as text")
    await text.fill("late")
    page_errors = page.get_by_text("“late” is not understood.")
    async with page.expect_response("**/editor/hours/**"):
        await hours.select_option("At these times")
    await expect(page_errors).to_be_visible()
    await expect(text).to_have_value("late")
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.locator(".errorlist")).to_contain_text("“late” is not")
    await expect(text).to_have_value("late")


async def test_a_week_that_is_closed_or_half_filled_in_is_not_taken(
    page: Page, bot: Bot
) -> None:
    await open_people(page, bot)
    await page.locator("#targets-0 .hours-week > summary").click()
    monday = page.get_by_role("group", name="Monday")
    await monday.get_by_label("Monday opens 2").fill("11:00")
    await expect(monday.get_by_text("These times overlap.")).to_be_visible()
    await monday.get_by_label("Monday opens 2").fill("")
    await expect(monday.get_by_text("Fill in both times.")).to_be_visible()
    await page.get_by_role("button", name="Save and continue editing").click()
    await expect(page.locator(".errorlist")).to_be_visible()
    assert (await bot.targets.aget()).opening_hours == HOURS


def random_week(chance: Random) -> list[list[list[int]]]:
    """A week with up to three spans a day, of which the last may end after midnight."""
    week = []
    for _ in range(7):
        times = sorted(chance.sample(range(0, DAY_MINUTES, 15), 6))
        spans = [times[:2], times[2:4], times[4:]][: chance.randint(0, 3)]
        if spans and chance.random() < 0.5:
            spans[-1][1] = DAY_MINUTES + chance.randrange(0, spans[0][0] + 1, 15)
        week.append(spans)
    return week if any(week) else random_week(chance)


async def test_every_week_is_written_so_that_calls_read_the_same(
    page: Page, bot: Bot
) -> None:
    await page.goto("/admin/")
    weeks = [random_week(Random(seed)) for seed in range(300)]
    weeks.append([[[0, DAY_MINUTES]]] * 7)
    texts = await page.evaluate(WRITE, weeks)
    read = json.loads(json.dumps([week_of(text) for text in texts]))
    assert read == weeks
