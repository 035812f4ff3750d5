"""The processes of a bench: servers under test, Redis, PostgreSQL, the fake Inworld.

Each is pinned: a server to a core of its own where there are enough, all the rest to
the others, so that "one process, one core" is honest.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from time import monotonic, sleep

from tests.live import ROOT, LiveServer, environment, free_port, serving

START_SECONDS = 20.0
POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")


class Missing(Exception):
    """This machine lacks what a measurement needs; the message says what."""


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
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (
        tempfile.TemporaryDirectory(prefix="bench-redis-") as folder,
        _process([program, *options, "--dir", folder], stdout=subprocess.PIPE) as own,
    ):
        assert own.stdout
        for line in own.stdout:
            if "eady to accept connections" in line:
                break
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own; its address as DATABASE_URL has it."""
    programs = sorted(POSTGRES_PROGRAMS.glob("*/bin/initdb"))
    if not programs:
        raise Missing(f"PostgreSQL is not installed in {POSTGRES_PROGRAMS}")
    binaries, port = programs[-1].parent, free_port()
    folder = tempfile.mkdtemp(prefix="bench-postgres-")
    try:
        user = _not_root(folder)
        store = f"{folder}/store"
        init = [f"{binaries}/initdb", "-A", "trust", "-U", "voicebot", "-D", store]
        subprocess.run([*user, *init], check=True, capture_output=True, timeout=60)
        options = ["-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
        command = [*user, f"{binaries}/postgres", "-D", store, *options]
        with _process(command, stderr=subprocess.DEVNULL):
            ready = [f"{binaries}/pg_isready", "-q", "-h", folder, "-p", str(port)]
            _await(lambda: subprocess.run(ready, check=False).returncode == 0)
            yield f"postgres://voicebot@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sqlite() -> Iterator[str]:
    """A database file of our own; its address as DATABASE_URL has it."""
    with tempfile.TemporaryDirectory(prefix="bench-sqlite-") as folder:
        yield f"sqlite:///{folder}/db.sqlite3"


def set_up(env: dict[str, str], *, quick_start: bool) -> None:
    """Make the tables and the default bot."""
    _manage(env, "setup")
    if quick_start:
        change = "from bots.models import Bot; Bot.objects.update(quick_start=True)"
        _manage(env, "shell", "-c", change)


def _manage(env: dict[str, str], *command: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(**env),
        check=True,
        capture_output=True,
        timeout=60,
    )


@contextmanager
def servers(count: int, env: dict[str, str]) -> Iterator[list[LiveServer]]:
    """So many servers under test, each pinned to one core."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            with pinned(server_core(number)):
                found.append(stack.enter_context(serving(**env)))
        yield found


def _not_root(folder: str) -> list[str]:
    """How to start PostgreSQL, which refuses to be root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise Missing("PostgreSQL refuses to run as root, and setpriv is missing")
    try:
        shutil.chown(folder, "postgres", "postgres")
    except LookupError:
        raise Missing(
            "PostgreSQL refuses root, and there is no user postgres"
        ) from None
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


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


def _await(ready: Callable[[], bool]) -> None:
    deadline = monotonic() + START_SECONDS
    while not ready():
        if monotonic() > deadline:
            raise Missing("a service did not start in time")
        sleep(0.1)
