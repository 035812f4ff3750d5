"""Errors of a page while a test uses it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Error, Page, Request, Response

# A browser aborts requests when a sound stops or a page is left.
ABORTED = "net::ERR_ABORTED"


class PageErrors:
    """Records a page's console messages and failed requests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.expected: list[re.Pattern[str]] = []
        self._listeners: dict[str, Callable[[Any], None]] = {
            "console": self._console,
            "pageerror": self._script_failed,
            "requestfailed": self._failed,
            "response": self._answered,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]

    def stop(self) -> None:
        """Record no more: another test uses the page."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def expect(self, pattern: str) -> None:
        """Expect errors that match a pattern."""
        self.expected.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        """The errors that the test does not expect."""
        return [
            error
            for error in self.errors
            if not any(pattern.search(error) for pattern in self.expected)
        ]

    async def save(self, folder: Path) -> str:
        """Save a screenshot and the log; return a line with their folder."""
        self._write_log(folder)
        if not self.page.is_closed():
            await self.page.screenshot(path=folder / "page.png", full_page=True)
        return f"The page and its console are in {folder}"

    def _write_log(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        log = "\n".join([self.page.url, *self.lines, *self.errors])
        (folder / "console.log").write_text(log)

    def _add_error(self, words: str) -> None:
        self.errors.append(words)

    def _console(self, message: ConsoleMessage) -> None:
        line = f"console {message.type}: {message.text}"
        self.lines.append(line)
        if message.type in ("error", "warning"):
            self._add_error(f"{line} ({message.location.get('url', '')})")

    def _script_failed(self, error: Error) -> None:
        self._add_error(f"script: {error}")

    def _failed(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._add_error(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        self.lines.append(f"{response.status} {response.request.method} {response.url}")
        if response.status >= 400:
            self._add_error(f"{response.status} for {response.url}")
