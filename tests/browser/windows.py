"""Browser windows that one test after the other uses.

A new window costs more CPU than most tests do in it: a process, and often a second one
for its first page.
"""

from playwright.async_api import Browser, Page, ViewportSize

DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=375, height=667)
TIMEOUT_MS = 15_000
# A page of another site, or none, would need another process.
EMPTY_PAGE = "/healthz"
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"


class Windows:
    """Opens windows, each in its own profile, and cleans them after use."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._idle: list[Page] = []

    async def take(self, viewport: ViewportSize) -> Page:
        """Return an empty window without cookies: light, and without animations."""
        page = self._idle.pop() if self._idle else await self._open()
        await page.set_viewport_size(viewport)
        await page.emulate_media(color_scheme="light", reduced_motion="reduce")
        return page

    async def _open(self) -> Page:
        context = await self._browser.new_context(base_url=self._url)
        context.set_default_timeout(TIMEOUT_MS)
        return await context.new_page()

    async def put_back(self, page: Page) -> None:
        """Leave the window's page and remove all that its test stored."""
        if page.url.startswith(self._url):
            await page.evaluate(FORGET)
        # Before the empty page: the browser asks for its icon when it likes. With the
        # session's cookie, the answer may come after the session is deleted, and then
        # removes the cookie of the next test.
        await page.context.clear_cookies()
        await page.goto(EMPTY_PAGE)
        await page.context.clear_cookies()  # those of answers that came meanwhile
        self._idle.append(page)

    async def close(self) -> None:
        """Close the windows that no test uses."""
        for page in self._idle:
            await page.context.close()
