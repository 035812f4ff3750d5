"""The processes of a bench: servers under test, Redis, PostgreSQL, the fake Inworld.

Each is pinned: a server to a core of its own where there are enough, all the rest to
the others, so that "one process, one core" is honest.
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

# The cores we may use.
CORES = sorted(os.sched_getaffinity(0))


def server_core(number: int) -> set[int]:
    """Where the n-th server runs."""
    return {CORES[number % len(CORES)]}


def other_cores(servers: int) -> set[int]:
    """Where everything else runs; the last core is shared when there are too few."""
    return set(CORES[servers:] or CORES[-1:])


@contextmanager
def pinned(on: set[int]) -> Iterator[None]:
    """Processes started in the block run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, on)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def upstream(pace: float, on: set[int]) -> Iterator[Callable[[], str]]:
    """The fake Inworld; the address is had once it listens."""
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
    """A Redis of our own; its address."""
    with Redis() as own:
        yield own.url


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own; its address as DATABASE_URL has it."""
    with Postgres() as own:
        yield own.url


@contextmanager
def sqlite() -> Iterator[str]:
    """A database file of our own; its address as DATABASE_URL has it."""
    with tempfile.TemporaryDirectory(prefix="bench-sqlite-") as folder:
        yield f"sqlite:///{folder}/db.sqlite3"


def set_up(env: dict[str, str], *, early_first_clause: bool) -> None:
    """Make the tables and the default bot."""
    manage(env, "setup")
    if early_first_clause:
        change = (
            "from bots.models import Bot; Bot.objects.update(early_first_clause=True)"
        )
        manage(env, "shell", "-c", change)


@contextmanager
def servers(count: int, env: dict[str, str]) -> Iterator[list[LiveServer]]:
    """So many servers under test, each pinned to one core."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            with pinned(server_core(number)):
                found.append(stack.enter_context(serving_afresh(**env)))
        yield found


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
