"""Fixtures of browser tests: a browser, a fresh profile per test, and a console."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
import pytest_asyncio
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.test import Client
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser import chromium
from tests.browser.page_errors import PageErrors
from tests.browser.windows import DESKTOP, TIMEOUT_MS, Windows
from tests.support.live import START_SECONDS, LiveServer, free_port, serving
from tests.support.mail_server import MailServer, mail_server

PASSWORD = "a-password-of-the-tests"
FAILURES = Path(gettempdir()) / "voicebot-browser-failures"

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


@pytest.fixture(scope="package")
def mailbox() -> Iterator[MailServer]:
    """The mail server of the console."""
    with mail_server() as server:
        yield server


@pytest.fixture(scope="package")
def console(database_url: str, mailbox: MailServer) -> Iterator[LiveServer]:
    """A server at its own public address, with the sandbox instead of Inworld.

    Stops before other tests of the worker: it would do their post-call tasks.
    """
    port = str(free_port())
    with serving(
        DJANGO_SETTINGS_MODULE="tests.browser.settings",
        DATABASE_URL=database_url,
        PORT=port,
        SERVER_URL=f"http://127.0.0.1:{port}",
        INWORLD_API_KEY="",
        INWORLD_BASE_URL="",
        EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}",
    ) as live:
        yield live


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def windows(browser: Browser, console: LiveServer) -> AsyncIterator[Windows]:
    """The browser's windows at the console."""
    windows = Windows(browser, console.url)
    yield windows
    await windows.close()


def person(name: str, group: str = "", **about: Any) -> Any:
    """Create a user who may log in; without a group a superuser."""
    user = get_user_model().objects.create(
        username=name,
        is_staff=True,
        is_superuser=not group,
        password=make_password(PASSWORD),
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
    """The windows of a test, and the errors on their pages."""

    def __init__(self, windows: Windows, console: LiveServer) -> None:
        self.windows = windows
        self.console = console
        self.page_errors: list[PageErrors] = []
        self._lines_before = len(console.lines)

    async def open(self, session: str = "", viewport: ViewportSize = DESKTOP) -> Page:
        """Open a window in its own profile, with that session."""
        page = await self.windows.take(viewport)
        self.page_errors.append(PageErrors(page))
        if session:
            await page.context.add_cookies(
                [{"name": "sessionid", "value": session, "url": self.console.url}]
            )
        return page

    def errors_of(self, page: Page) -> PageErrors:
        """Return the error log of a page."""
        return next(log for log in self.page_errors if log.page is page)

    async def end(self, folder: Path, *, failed: bool) -> list[str]:
        """Leave all pages; return unexpected errors and the path of their logs."""
        errors = [line for log in self.page_errors for line in log.unexpected]
        failed = failed or bool(errors)
        if failed:
            for number, log in enumerate(self.page_errors, 1):
                errors.append(await log.save(folder / str(number)))
            errors += self.console.lines[self._lines_before :]
        for log in self.page_errors:
            log.stop()
            if failed:  # in an unknown state
                await log.page.context.close()
            else:
                await self.windows.put_back(log.page)
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
    request: pytest.FixtureRequest, windows: Windows, console: LiveServer
) -> AsyncIterator[Visits]:
    """Windows at the console; errors on their pages fail the test."""
    visits = Visits(windows, console)
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
