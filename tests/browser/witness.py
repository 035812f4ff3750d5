"""What went wrong on a page while a test used it."""

import re
from pathlib import Path

from playwright.async_api import ConsoleMessage, Page, Request, Response

# A sound that is stopped, and a page that is left, give up what they were loading.
GIVEN_UP = "net::ERR_ABORTED"


class Witness:
    """Writes down a page's console, and what of its requests came to nothing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines: list[str] = []
        self.complaints: list[str] = []
        self.expected: list[re.Pattern[str]] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complain(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def expect(self, pattern: str) -> None:
        """Take complaints like this one for part of the test."""
        self.expected.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        """The complaints that no test asked for."""
        return [
            complaint
            for complaint in self.complaints
            if not any(pattern.search(complaint) for pattern in self.expected)
        ]

    async def keep(self, folder: Path) -> str:
        """Save how the page looks and what it said; where."""
        self._write_log(folder)
        if not self.page.is_closed():
            await self.page.screenshot(path=folder / "page.png", full_page=True)
        return f"The page and its console are in {folder}"

    def _write_log(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        log = "\n".join([self.page.url, *self.lines, *self.complaints])
        (folder / "console.log").write_text(log)

    def _complain(self, words: str) -> None:
        self.complaints.append(words)

    def _console(self, message: ConsoleMessage) -> None:
        line = f"console {message.type}: {message.text}"
        self.lines.append(line)
        if message.type in ("error", "warning"):
            self._complain(f"{line} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self._complain(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        self.lines.append(f"{response.status} {response.request.method} {response.url}")
        if response.status >= 400:
            self._complain(f"{response.status} for {response.url}")
