"""Fixtures of browser tests: a browser, a fresh profile per test, and a console."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group
from django.test import Client
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser import chromium
from tests.browser.page_errors import PageErrors
from tests.support.live import START_SECONDS, LiveServer, free_port, serving

TIMEOUT_MS = 15_000
PASSWORD = "a-password-of-the-tests"
FAILURES = Path(gettempdir()) / "voicebot-browser-failures"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=375, height=667)

expect.set_options(timeout=TIMEOUT_MS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; they are skipped where there is none."""
    async with async_playwright() as playwright:
        path = chromium.path_of(playwright)
        if path is None:
            pytest.skip(chromium.MISSING)
        async with asyncio.timeout(START_SECONDS):
            browser = await chromium.launch(playwright, path)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def console(database_url: str) -> Iterator[LiveServer]:
    """A server at its own public address, with the sandbox instead of Inworld.

    Ends with its file, as `server` does.
    """
    port = str(free_port())
    with serving(
        DJANGO_SETTINGS_MODULE="tests.browser.settings",
        DATABASE_URL=database_url,
        PORT=port,
        SERVER_URL=f"http://127.0.0.1:{port}",
        INWORLD_API_KEY="",
        INWORLD_BASE_URL="",
    ) as live:
        yield live


def person(name: str, group: str = "", **about: Any) -> Any:
    """Create a user who may log in; without a group a superuser."""
    user = get_user_model().objects.create(
        username=name,
        is_staff=True,
        is_superuser=not group,
        # The server's hasher; the settings of tests have a faster one.
        password=PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000),
        **about,
    )
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def session_of(user: Any) -> str:
    """Return the session key of a logged-in user."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def admin(transactional_db: None) -> Any:
    """A superuser."""
    return person("admin")


class Visits:
    """Opens browser windows at the console and records their errors."""

    def __init__(self, browser: Browser, console: LiveServer) -> None:
        self.browser = browser
        self.console = console
        self.page_errors: list[PageErrors] = []
        self.closing = AsyncExitStack()
        self._lines_before = len(console.lines)

    async def open(self, session: str = "", **options: Any) -> Page:
        """Open a page in its own profile: with that session, screen, colour scheme."""
        context = await self.browser.new_context(
            base_url=self.console.url,
            **{"viewport": DESKTOP, "reduced_motion": "reduce", **options},
        )
        self.closing.push_async_callback(context.close)
        context.set_default_timeout(TIMEOUT_MS)
        if session:
            await context.add_cookies(
                [{"name": "sessionid", "value": session, "url": self.console.url}]
            )
        page = await context.new_page()
        self.page_errors.append(PageErrors(page))
        return page

    def errors_of(self, page: Page) -> PageErrors:
        """Return the error log of a page."""
        return next(log for log in self.page_errors if log.page is page)

    async def end(self, folder: Path, *, failed: bool) -> list[str]:
        """Close all windows; return unexpected errors and the path of their logs."""
        errors = [line for log in self.page_errors for line in log.unexpected]
        if failed or errors:
            for number, log in enumerate(self.page_errors, 1):
                errors.append(await log.save(folder / str(number)))
            errors += self.console.lines[self._lines_before :]
        await self.closing.aclose()
        return errors


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record whether the test failed, for fixtures."""
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.failed
    return report


OUTCOME = pytest.StashKey[bool]()


@pytest_asyncio.fixture(loop_scope="session")
async def visits(
    request: pytest.FixtureRequest, browser: Browser, console: LiveServer
) -> AsyncIterator[Visits]:
    """Windows at the console; errors on their pages fail the test."""
    visits = Visits(browser, console)
    yield visits
    failed = request.node.stash.get(OUTCOME, False)
    folder = FAILURES / re.sub(r"\W+", "-", request.node.name)
    errors = await visits.end(folder, failed=failed)
    if failed:
        sys.stderr.write("\n".join(errors))
    elif errors:
        pytest.fail("\n".join(errors), pytrace=False)


@pytest_asyncio.fixture(loop_scope="session")
async def page(visits: Visits, session: str) -> Page:
    """A desktop window of a superuser."""
    return await visits.open(session)


@pytest.fixture
def session(admin: Any) -> str:
    """The superuser's session."""
    return session_of(admin)
