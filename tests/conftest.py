"""Shared fixtures: a live server, a fake Inworld, and a Redis of the tests' own."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from bots.models import Bot, PhoneNumber
from tests.fake_inworld import FakeInworld
from tests.live import LiveServer, free_port, serving

INWORLD_PORT = free_port()


@pytest.fixture
async def inworld() -> AsyncIterator[FakeInworld]:
    """Inworld, as far as the live server can tell."""
    async with FakeInworld(port=INWORLD_PORT) as fake:
        yield fake


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The test database, for processes outside this one."""
    database = settings.DATABASES["default"]
    if "sqlite3" in database["ENGINE"]:
        return f"sqlite:///{database['TEST']['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format_map(database)


@pytest.fixture(scope="session")
def server(database_url: str) -> Iterator[LiveServer]:
    """One live server for the whole run; clips in its own memory."""
    with serving(
        DATABASE_URL=database_url, INWORLD_BASE_URL=f"http://127.0.0.1:{INWORLD_PORT}"
    ) as live:
        yield live


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis on a free port, gone afterwards."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt install redis-server)")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    with subprocess.Popen(
        [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "eady to accept connections" in line:
                break
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    """The default bot."""
    return Bot.objects.create(name="Default", is_default=True)


def numbered(number: str, **settings: object) -> Bot:
    """A bot with a number of its own."""
    bot = Bot.objects.create(**{"name": f"Bot {number}", **settings})
    PhoneNumber.objects.create(number=number, bot=bot)
    return bot


def repository_files(*suffixes: str) -> Iterator[Path]:
    """The project's own Python files."""
    root = Path(settings.BASE_DIR)
    for folder in ("bots", "calls", "voicebot"):
        yield from (f for f in (root / folder).rglob("*.py") if f.suffix in suffixes)


def tracebacks(log: str) -> list[str]:
    """What went wrong in a server, but for calls that an earlier test deleted."""
    entries = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", log)
    wrong = [entry for entry in entries if "Traceback" in entry]
    return [entry for entry in wrong if "foreign key" not in entry.lower()]
