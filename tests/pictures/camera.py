"""Takes screenshots of pages as a logged-in user."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from playwright.async_api import Page, async_playwright

from calls.simulator.call import SimulatedCall
from tests.browser import chromium

FONTS = Path(__file__).parent / "fonts.conf"
TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A page to show; `prepare` acts on the page before the screenshot."""

    name: str
    path: str
    prepare: Callable[[Page, SimulatedCall], Awaitable[None]] | None = None
    width: int = 1280
    height: int = 860
    dark: bool = False


class Camera:
    """A logged-in browser that takes screenshots."""

    def __init__(self, address: str, session: str) -> None:
        self.address = address
        self.session = session
        self.closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        playwright = await self.closing.enter_async_context(async_playwright())
        path = chromium.path_of(playwright)
        if path is None:
            raise SystemExit(chromium.MISSING)
        self.browser = await chromium.launch(
            playwright, path, FONTCONFIG_FILE=str(FONTS)
        )
        self.closing.push_async_callback(self.browser.close)
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self.closing.aclose()

    async def take(self, picture: Picture, path: Path, call: SimulatedCall) -> None:
        """Open the page, prepare it, and save a screenshot."""
        context = await self.browser.new_context(
            base_url=self.address,
            viewport={"width": picture.width, "height": picture.height},
            color_scheme="dark" if picture.dark else "light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT_MS)
        await context.add_cookies(
            [{"name": "sessionid", "value": self.session, "url": self.address}]
        )
        page = await context.new_page()
        await page.goto(picture.path, wait_until="networkidle")
        if picture.prepare:
            await picture.prepare(page, call)
        await page.screenshot(path=path)
        await context.close()
