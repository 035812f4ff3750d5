"""Every page of the console: readable in light and dark, on a phone, accessible."""

from importlib.resources import files
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import sample
from tests.browser.conftest import Visits
from tests.browser.windows import PHONE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
# Scripts have run, and charts are as wide as their screen.
IDLE = "new Promise(done => requestIdleCallback(done, { timeout: 2000 }))"
SHOWN = """document.body.innerText + [...document.querySelectorAll("input, textarea")]
  .map((field) => field.value)"""
AUDIT = (Path(__file__).parent / "audit.js").read_text()
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# The audit looks at contrast.
RUN_AXE = """axe.run({
  preload: false, resultTypes: ["violations"],
  rules: { "color-contrast": { enabled: false } },
}).then(({ violations }) => violations.map(
  ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html)}`,
))"""


@pytest.fixture
def plain(transactional_db: None) -> sample.Sample:
    return sample.plain()


@pytest.fixture
def hostile(transactional_db: None) -> sample.Sample:
    return sample.hostile()


async def audit(page: Page, where: str) -> list[str]:
    return [f"{where}: {fault}" for fault in await page.evaluate(AUDIT)]


@pytest.mark.parametrize("name", sample.PAGES)
async def test_a_page_can_be_read_on_any_screen(
    page: Page, plain: sample.Sample, name: str
) -> None:
    await page.goto(plain.pages[name])
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    faults = await audit(page, "light")
    await page.evaluate(f"{AXE}; 0")
    faults += await page.evaluate(RUN_AXE)
    await page.emulate_media(color_scheme="dark")
    faults += await audit(page, "dark")
    await page.set_viewport_size(PHONE)
    await page.evaluate(IDLE)
    faults += await audit(page, "phone")
    assert not faults, "\n".join(faults)


async def test_a_phone_shows_all_links_of_the_navigation(
    visits: Visits, session: str
) -> None:
    page = await visits.open(session, viewport=PHONE)
    await page.goto("/admin/settings/")
    links = page.get_by_role("navigation", name="Console").get_by_role("link")
    for link in await links.all():
        await expect(link).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("name", sample.PAGES)
async def test_hostile_words_are_shown_as_words(
    visits: Visits, session: str, hostile: sample.Sample, name: str
) -> None:
    page = await visits.open(session, viewport=PHONE)
    await page.goto(hostile.pages[name])
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.evaluate(IDLE)
    assert await page.evaluate("window.broken") is None
    shown = await page.evaluate(SHOWN)
    assert str(7919 * 7919) not in shown
    assert ("<script>window.broken=1</script>" in shown) == (
        name in sample.PAGES_WITH_WORDS
    )
    faults = await audit(page, "phone")
    assert not faults, "\n".join(faults)
