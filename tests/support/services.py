"""Redis and PostgreSQL servers that tests can break and repair."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import psycopg
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from redis import Redis as Client
from redis.exceptions import RedisError

from tests.support import migrated
from tests.support.live import free_port, manage
from voicebot.database_options import POSTGRESQL, options_for

START_SECONDS = 60.0
POSTGRES_PROGRAMS = Path("/usr/lib/postgresql")
LITTLE_MEMORY = 100_000
CALLS = ("calls_call", "calls_turn")

Connection = psycopg.Connection[tuple[Any, ...]]


class Missing(Exception):
    """A program that the tests need is not installed; the message names it."""


class Service:
    """A process that can be killed, frozen, and started again at its address."""

    process: "subprocess.Popen[str]"

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"tests-{name}-"))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it with SIGINT, as an operator does."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        self._wait()

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self._wait()

    def freeze(self) -> None:
        """Stop the process: connections stay open and get no answer."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue a frozen process."""
        self.process.send_signal(signal.SIGCONT)

    def _run(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        )

    def _wait(self) -> None:
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Redis(Service):
    """Redis without persistence: stopping it loses its data."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise Missing("redis-server is not installed (apt install redis-server)")
        super().__init__("redis")
        self.program = program
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        address = ["--port", str(self.port), "--bind", "127.0.0.1"]
        quiet = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self._run([self.program, *address, *quiet])
        wait_for(self._answers, "Redis")

    def restart(self) -> None:
        """Stop and start it: its memory is empty afterwards."""
        self.stop()
        self.start()

    def fill(self) -> None:
        """Make every write that needs memory fail."""
        with self._client() as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", LITTLE_MEMORY)

    def empty(self) -> None:
        """Remove the memory limit."""
        with self._client() as client:
            client.config_set("maxmemory", 0)

    def _answers(self) -> bool:
        with suppress(RedisError), self._client() as client:
            return bool(client.ping())
        return False

    def _client(self) -> Client:
        return Client(port=self.port, socket_timeout=5)


class Postgres(Service):
    """A server with one database, `voicebot`.

    In a run of the tests, the database has its tables.
    """

    superuser = "voicebot"
    is_migrated = True

    def __init__(self, connections: int = 100) -> None:
        programs = sorted(POSTGRES_PROGRAMS.glob("*/bin/initdb"))
        if not programs:
            raise Missing("PostgreSQL is not installed (apt install postgresql)")
        super().__init__("postgres")
        self.connections = connections
        self.binaries = programs[-1].parent
        self.store = self.folder / "store"
        self.user = _not_root(self.folder)
        self.url = f"postgres://voicebot@127.0.0.1:{self.port}/voicebot"
        self.held: list[Connection] = []

    def start(self) -> None:
        if self.store.exists():
            self._run_server()
        elif self.is_migrated and migrated.is_shared():
            migrated.copy_postgresql(self.store, self._make)
            self._run_server()
        else:
            self._init()

    def _run_server(self) -> None:
        options = ["-p", str(self.port), "-k", str(self.folder)]
        options += ["-c", "listen_addresses=127.0.0.1"]
        options += ["-c", f"max_connections={self.connections}"]
        program = str(self.binaries / "postgres")
        self._run([*self.user, program, "-D", str(self.store), *options])
        wait_for(self._answers, "PostgreSQL")

    def _make(self, place: Path) -> None:
        """Make a store with all tables, for this server and later ones."""
        self._init()
        manage({"DATABASE_URL": self.url}, "migrate", "--verbosity=0")
        self.stop()
        self.store.rename(place)

    def create_database(self) -> None:
        """Create the database of the first start."""
        with self._connect("postgres") as connection:
            connection.execute("CREATE DATABASE voicebot")

    def kill(self) -> None:
        """End it without a checkpoint; it recovers when it starts."""
        self.process.send_signal(signal.SIGQUIT)
        self._wait()

    def restart(self) -> None:
        """Restart at once: every connection is cut."""
        self.stop()
        self.start()

    def lock(self, *tables: str) -> None:
        """Lock these tables against reads and writes; by default calls and turns."""
        connection = self._connect("voicebot", autocommit=False)
        connection.execute(f"LOCK TABLE {', '.join(tables or CALLS)}")
        self.held.append(connection)

    def is_waited_for(self, by: int) -> None:
        """Wait until `by` queries wait for a lock."""
        waits = "SELECT count(*) >= %s FROM pg_locks WHERE NOT granted"
        with self._connect("voicebot") as own:
            wait_for(lambda: own.execute(waits, [by]).fetchone() == (True,), "A waiter")

    def crowd(self) -> None:
        """Close every other connection and occupy all that the server allows."""
        own = self._connect("voicebot")
        self.held.append(own)
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'voicebot' AND pid <> pg_backend_pid()"
        )
        with suppress(psycopg.OperationalError):
            while True:
                self.held.append(self._connect("voicebot"))

    def release(self) -> None:
        """Release all locks and occupied connections."""
        while self.held:
            self.held.pop().close()

    def __exit__(self, *_: object) -> None:
        self.release()
        super().__exit__()

    def _init(self) -> None:
        program = str(self.binaries / "initdb")
        command = [program, "-A", "trust", "-U", self.superuser, "-N", "-D"]
        subprocess.run(
            [*self.user, *command, str(self.store)],
            check=True,
            capture_output=True,
            timeout=60,
        )
        self._run_server()
        self.create_database()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), self._connect("postgres"):
            return True
        return False

    def _connect(self, name: str, *, autocommit: bool = True) -> Connection:
        return psycopg.connect(
            f"postgres://{self.superuser}@127.0.0.1:{self.port}/{name}",
            autocommit=autocommit,
            connect_timeout=5,
        )


@contextmanager
def django_on(postgres: Postgres, pool: str) -> Iterator[None]:
    """Let new connections of Django lead to a PostgreSQL, as those of the server.

    `pool` is the name of the connections: default or console.
    """
    default = connections.databases["default"]
    name = {"ENGINE": POSTGRESQL, "NAME": "voicebot", "USER": "voicebot"}
    place = {"HOST": "127.0.0.1", "PORT": postgres.port, "PASSWORD": ""}
    options = {"OPTIONS": options_for(POSTGRESQL)}
    connections.databases["default"] = default | name | place | options
    try:
        yield
    finally:
        connections.databases["default"] = default
        if used := vars(DatabaseWrapper)["_connection_pools"].pop(pool, None):
            used.close()


def wait_for(ready: Callable[[], bool], name: str) -> None:
    """Wait until a service answers. One that never does is no reason to skip a test."""
    deadline = monotonic() + START_SECONDS
    while not ready():
        if monotonic() > deadline:
            raise AssertionError(f"{name} did not start in time")
        sleep(0.02)


def _not_root(folder: Path) -> list[str]:
    """The command prefix that starts PostgreSQL as another user than root."""
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
