"""Shared fixtures: a live server, a fake Inworld, and a Redis of the tests' own."""

import gc
import os
import re
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from bots.models import Bot, PhoneNumber
from tests.support import fast_flush, migrated
from tests.support.inworld.server import FakeInworld
from tests.support.live import PORT_RANGES, LiveServer, free_port, serving
from tests.support.services import Missing, Redis
from tests.support.tool_server import ToolServer
from tests.support.work_order import FromBothEnds, place_of

INWORLD_PORT = free_port()
TOOLS_PORT = free_port()
LOG = 20_000  # characters of a server's output that a failed test shows
# The same examples in every run, without a time limit: the machine may be busy.
# --hypothesis-profile=default generates new ones.
hypothesis_settings.register_profile("same", derandomize=True, deadline=None)
hypothesis_settings.load_profile("same")


# Nothing that is collected becomes garbage: looking for it takes a third of the time.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Let the garbage collector ignore the modules and tests."""
    gc.freeze()
    gc.enable()
    if migrated.is_shared() and hasattr(session.config, "workerinput"):
        migrated.wait_for_sqlite()


def pytest_xdist_auto_num_workers() -> int:
    """Five workers on two cores: tests of servers wait, but not most of the time."""
    return min(5 * (os.cpu_count() or 1) // 2, PORT_RANGES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Let the workers migrate one database together."""
    config.add_cleanup(migrated.begin())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds:
    """Deal out files in an order that keeps the cores busy."""
    return FromBothEnds(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test have logged."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for name, value in item.funcargs.items():
            if isinstance(value, LiveServer):
                report.sections.append((f"output of {name}", value.output[-LOG:]))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files for `FromBothEnds`."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.fixture
async def inworld() -> AsyncIterator[FakeInworld]:
    """The fake Inworld that the live server is configured for."""
    async with FakeInworld(port=INWORLD_PORT) as fake:
        yield fake


@pytest.fixture
async def tools() -> AsyncIterator[ToolServer]:
    """A tool server at a private address that the live server may call."""
    async with ToolServer(port=TOOLS_PORT) as server:
        yield server


@pytest.fixture(scope="session")
def django_db_keepdb(
    django_db_keepdb: bool, django_db_modify_db_settings: None
) -> bool:
    """True if the test database has its tables already."""
    name = settings.DATABASES["default"]["TEST"].get("NAME")
    if not name or not migrated.is_shared():
        return django_db_keepdb
    migrated.copy_sqlite(Path(name))
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, emptied fast after each test that commits."""
    with django_db_blocker.unblock():
        fast_flush.install()


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The test database, for processes outside this one."""
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        return f"sqlite:///{database['TEST']['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format_map(database)


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[LiveServer]:
    """One live server for a file's tests; clips in its own memory.

    One per file, because it would do the post-call tasks that other files' tests leave.
    """
    with serving(
        DATABASE_URL=database_url,
        INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}",
        TOOL_ALLOWED_PRIVATE_HOSTS=f"127.0.0.1:{TOOLS_PORT}",
    ) as live:
        yield live


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis of this run."""
    try:
        with Redis() as redis:
            yield redis.url
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def deployment(database_url: str, redis_url: str) -> dict[str, str]:
    """The environment of processes that share the database and a Redis."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "INWORLD_BASE_URL": f"http://127.0.0.1:{INWORLD_PORT}",
    }


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    """The default bot."""
    return Bot.objects.create(name="Default", is_default=True)


def numbered(number: str, **settings: object) -> Bot:
    """Create a bot that answers `number`."""
    bot = Bot.objects.create(**{"name": f"Bot {number}", **settings})
    PhoneNumber.objects.create(number=number, bot=bot)
    return bot


def repository_files(*suffixes: str) -> Iterator[Path]:
    """Yield the project's Python files."""
    root = Path(settings.BASE_DIR)
    for folder in ("bots", "calls", "voicebot"):
        yield from (f for f in (root / folder).rglob("*.py") if f.suffix in suffixes)


def tracebacks(log: str) -> list[str]:
    """Log entries with a traceback, except for calls that an earlier test deleted."""
    entries = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", log)
    errors = [entry for entry in entries if "Traceback" in entry]
    return [entry for entry in errors if "foreign key" not in entry.lower()]
