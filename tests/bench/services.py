"""Starts the processes of a bench: servers, Redis, PostgreSQL, the fake Inworld.

Each server is pinned to a core of its own where there are enough, and everything else
to the other cores, so that a server is measured alone on its core.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from tests.support.live import ROOT, LiveServer, manage, serving_afresh
from tests.support.services import Postgres, Redis

# The cores that this process may use.
CORES = sorted(os.sched_getaffinity(0))


def server_core(number: int) -> set[int]:
    """Return the core of the n-th server."""
    return {CORES[number % len(CORES)]}


def other_cores(servers: int) -> set[int]:
    """Return the cores of everything else; with too few, the last core is shared."""
    return set(CORES[servers:] or CORES[-1:])


@contextmanager
def pinned(on: set[int]) -> Iterator[None]:
    """Run the processes that the block starts on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, on)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def upstream(pace: float, on: set[int]) -> Iterator[Callable[[], str]]:
    """Start the fake Inworld; yield a function that waits for its address."""
    command = [sys.executable, "-m", "tests.bench.upstream", "--pace", str(pace)]
    with ExitStack() as stack:
        with pinned(on):
            started = _process(command, stdout=subprocess.PIPE)
            process = stack.enter_context(started)
        output = process.stdout
        assert output
        yield cache(lambda: output.readline().split()[-1])


@contextmanager
def redis() -> Iterator[str]:
    """Start a Redis; yield its URL."""
    with Redis() as own:
        yield own.url


@contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL; yield its DATABASE_URL."""
    with Postgres() as own:
        yield own.url


@contextmanager
def sqlite() -> Iterator[str]:
    """Create an empty SQLite folder; yield its DATABASE_URL."""
    with tempfile.TemporaryDirectory(prefix="bench-sqlite-") as folder:
        yield f"sqlite:///{folder}/db.sqlite3"


def set_up(env: dict[str, str]) -> None:
    """Create the tables and the default bot."""
    manage(env, "setup")


@contextmanager
def servers(count: int, env: dict[str, str]) -> Iterator[list[LiveServer]]:
    """Start `count` servers under test, each pinned to one core."""
    with ExitStack() as stack:
        started_servers = []
        for number in range(count):
            with pinned(server_core(number)):
                started_servers.append(stack.enter_context(serving_afresh(**env)))
        yield started_servers


@contextmanager
def _process(
    command: list[str], stdout: int = subprocess.DEVNULL, stderr: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        command, cwd=ROOT, stdout=stdout, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
