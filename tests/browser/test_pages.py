"""Every page of the console: readable in light and dark, on a phone, accessible."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import pytest
from playwright.async_api import Page, expect
from pytest_django import DjangoDbBlocker

from tests.browser import sample
from tests.browser.audit import AUDIT
from tests.browser.conftest import Visits, person, session_of
from tests.browser.keyboard import tab_through
from tests.browser.windows import PHONE
from tests.support import fast_flush

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asyncio(loop_scope="session"),
]
# Scripts have run, and charts are as wide as their screen.
IDLE = "new Promise(done => requestIdleCallback(done, { timeout: 2000 }))"
SHOWN = """document.body.innerText + [...document.querySelectorAll("input, textarea")]
  .map((field) => field.value)"""
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# The audit looks at contrast. Only these other rules depend on sizes and colours.
LOOKS = ["target-size", "scrollable-region-focusable", "link-in-text-block"]
RUN_AXE = """options => axe.run({
  preload: false, resultTypes: ["violations"], ...options,
}).then(({ violations }) => violations.map(
  ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html)}`,
))"""
# A bar that stays in sight covers the targets that scroll beneath it.
RELEASE_BARS = """document.querySelectorAll(".submit-row, .tabs").forEach(
  ({ style }) => { style.position = "static"; })"""


@dataclass(frozen=True, slots=True)
class Content:
    """The console's pages with a sample, and the session of a superuser."""

    pages: dict[str, str]
    session: str


@pytest.fixture(scope="module")
def content(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Content]:
    """One sample for all pages: to look at them changes nothing."""
    with django_db_blocker.unblock(), fast_flush.postponed():
        yield Content(request.param().pages, session_of(person("admin")))


plain = pytest.mark.parametrize("content", [sample.plain], indirect=True)
hostile = pytest.mark.parametrize("content", [sample.hostile], indirect=True)
each_page = pytest.mark.parametrize("name", sample.PAGES)


async def audit(page: Page, where: str) -> list[str]:
    return [f"{where}: {fault}" for fault in await page.evaluate(AUDIT)]


@plain
@each_page
async def test_a_page_can_be_read_on_any_screen(
    visits: Visits, content: Content, name: str
) -> None:
    page = await visits.open(content.session)
    await page.goto(content.pages[name])
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    faults = await audit(page, "light")
    await page.evaluate(f"{AXE}; 0")
    faults += await page.evaluate(
        RUN_AXE, {"rules": {"color-contrast": {"enabled": False}}}
    )
    await page.emulate_media(color_scheme="dark")
    faults += await audit(page, "dark")
    await page.set_viewport_size(PHONE)
    await page.evaluate(IDLE)
    faults += await audit(page, "phone")
    await page.evaluate(RELEASE_BARS)
    faults += await page.evaluate(RUN_AXE, {"runOnly": LOOKS})
    assert not faults, "\n".join(faults)


@plain
async def test_a_phone_shows_all_links_of_the_navigation(
    visits: Visits, content: Content
) -> None:
    page = await visits.open(content.session, viewport=PHONE)
    await page.goto("/admin/settings/")
    links = page.get_by_role("navigation", name="Console").get_by_role("link")
    for link in await links.all():
        await expect(link).to_be_in_viewport(ratio=1)


@plain
@pytest.mark.parametrize("name", ["editor basics", "editor advanced", "number", "tool"])
async def test_the_bars_of_a_form_never_cover_the_focus_on_a_phone(
    visits: Visits, content: Content, name: str
) -> None:
    page = await visits.open(content.session, viewport=PHONE)
    await page.goto(content.pages[name])
    await page.evaluate(IDLE)
    covered = await tab_through(page)
    covered += await tab_through(page, key="Shift+Tab")
    assert not covered, "\n".join(covered)


@hostile
@each_page
async def test_hostile_words_are_shown_as_words(
    visits: Visits, content: Content, name: str
) -> None:
    page = await visits.open(content.session, viewport=PHONE)
    await page.goto(content.pages[name])
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
