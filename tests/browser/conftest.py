"""A browser for the run, a fresh profile for each test, and the desk it looks at."""

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
from tests.browser.witness import Witness
from tests.support.live import START_SECONDS, LiveServer, free_port, serving

PATIENCE_MS = 15_000
PASSWORD = "a-password-of-the-tests"
FAILURES = Path(gettempdir()) / "voicebot-browser-failures"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=375, height=667)

expect.set_options(timeout=PATIENCE_MS)


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
def desk(database_url: str) -> Iterator[LiveServer]:
    """A server at its own public address, with the sandbox for a voice.

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
    """Somebody who may log in; without a group a superuser."""
    user = get_user_model().objects.create(
        username=name,
        is_staff=True,
        is_superuser=not group,
        # As the server hashes; the tests' own settings have a faster way.
        password=PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000),
        **about,
    )
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def session_of(user: Any) -> str:
    """The session key of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def admin(transactional_db: None) -> Any:
    """A superuser."""
    return person("admin")


class Visits:
    """Opens browser windows at the desk, and remembers what went wrong in each."""

    def __init__(self, browser: Browser, desk: LiveServer) -> None:
        self.browser = browser
        self.desk = desk
        self.witnesses: list[Witness] = []
        self.closing = AsyncExitStack()
        self._lines_before = len(desk.lines)

    async def open(self, session: str = "", **options: Any) -> Page:
        """A page in a profile of its own: with that session, screen, colour scheme."""
        context = await self.browser.new_context(
            base_url=self.desk.url,
            **{"viewport": DESKTOP, "reduced_motion": "reduce", **options},
        )
        self.closing.push_async_callback(context.close)
        context.set_default_timeout(PATIENCE_MS)
        if session:
            await context.add_cookies(
                [{"name": "sessionid", "value": session, "url": self.desk.url}]
            )
        page = await context.new_page()
        self.witnesses.append(Witness(page))
        return page

    def witness(self, page: Page) -> Witness:
        """Who watches that page."""
        return next(one for one in self.witnesses if one.page is page)

    async def end(self, folder: Path, *, failed: bool) -> list[str]:
        """Close everything; what no test expected, and where to look at it."""
        wrong = [line for one in self.witnesses for line in one.unexpected]
        if failed or wrong:
            for number, witness in enumerate(self.witnesses, 1):
                wrong.append(await witness.keep(folder / str(number)))
            wrong += self.desk.lines[self._lines_before :]
        await self.closing.aclose()
        return wrong


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know how the test went."""
    report = yield
    if report.when == "call":
        item.stash[OUTCOME] = report.failed
    return report


OUTCOME = pytest.StashKey[bool]()


@pytest_asyncio.fixture(loop_scope="session")
async def visits(
    request: pytest.FixtureRequest, browser: Browser, desk: LiveServer
) -> AsyncIterator[Visits]:
    """Windows at the desk; errors on their pages fail the test."""
    visits = Visits(browser, desk)
    yield visits
    failed = request.node.stash.get(OUTCOME, False)
    folder = FAILURES / re.sub(r"\W+", "-", request.node.name)
    wrong = await visits.end(folder, failed=failed)
    if failed:
        sys.stderr.write("\n".join(wrong))
    elif wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest_asyncio.fixture(loop_scope="session")
async def page(visits: Visits, session: str) -> Page:
    """A desktop window of a superuser."""
    return await visits.open(session)


@pytest.fixture
def session(admin: Any) -> str:
    """The superuser's session."""
    return session_of(admin)
