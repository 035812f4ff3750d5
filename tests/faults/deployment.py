"""The faults that tests inject, and the deployments they inject them into."""

import os
import resource
import signal
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.services import set_up, sqlite
from tests.faults.stored_calls import StoredCalls
from tests.support.live import LiveServer, serving, serving_afresh
from tests.support.services import Postgres, Redis

ENVIRONMENT = {
    "SECRET_KEY": "faults-only-secret-key-that-nobody-else-knows-01234",
    "INWORLD_API_KEY": "ZmF1bHRzOmtleQ==",
    "ALLOWED_HOSTS": "",
    "REDIS_URL": "",
    "WELCOME_GREETING": "Hello.",
    "METRICS_TOKEN": "",
    "LOG_FORMAT": "",
    "LOG_LEVEL": "",
    "MAX_CALLS_PER_CALLER": "0",  # all calls come from one number
    "MAX_CALLS_PER_CALLER_PER_HOUR": "0",
    "MAX_MINUTES_PER_CALLER_PER_DAY": "0",
    "OVERLOAD_LAG_MS": "0",  # a busy machine is none of the faults
}
CONNECTIONS = 25
# The error of a clock that is set wrong (s).
HOUR = 3600.0


@dataclass(slots=True)
class Deployment:
    """A server with its parts; PostgreSQL and Redis, or an SQLite file and neither."""

    server: LiveServer
    database_url: str
    redis: Redis | None = None
    postgres: Postgres | None = None
    skew: Path | None = None

    @property
    def stored_calls(self) -> StoredCalls:
        return StoredCalls(self.database_url)

    def set_clock(self, shift: float) -> None:
        """Shift the server's wall clock by this many seconds."""
        assert self.skew
        with self.skew.open("r+b") as file:
            file.write(struct.pack("d", shift))

    def limit_files(self, size: int) -> None:
        """Limit the size of files that the server writes; -1 removes the limit."""
        pid = self.server.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def stop_server(self) -> None:
        """Freeze the server process."""
        self.server.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue the frozen server process."""
        self.server.process.send_signal(signal.SIGCONT)


Act = Callable[[Deployment], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: the action that breaks a part and the one that repairs it.

    It `lasts` at least this long (s); with `blocks` no call gets an answer meanwhile.
    """

    name: str
    breaks: Act
    repairs: Act = lambda deployment: None
    lasts: float = 0.0
    blocks: bool = False
    on_sqlite: bool = False  # on a server without Redis and PostgreSQL


def _redis(act: Callable[[Redis], None]) -> Act:
    def act_on_part(deployment: Deployment) -> None:
        assert deployment.redis
        act(deployment.redis)

    return act_on_part


def _postgres(act: Callable[[Postgres], None]) -> Act:
    def act_on_part(deployment: Deployment) -> None:
        assert deployment.postgres
        act(deployment.postgres)

    return act_on_part


FAULTS = (
    Fault("Redis down", _redis(Redis.kill), _redis(Redis.start)),
    Fault("Redis frozen", _redis(Redis.freeze), _redis(Redis.thaw)),
    Fault("Redis full", _redis(Redis.fill), _redis(Redis.empty)),
    Fault("Redis restarted", _redis(Redis.restart)),
    Fault("PostgreSQL down", _postgres(Postgres.kill), _postgres(Postgres.start)),
    Fault("PostgreSQL locked", _postgres(Postgres.lock), _postgres(Postgres.release)),
    Fault("PostgreSQL restarted", _postgres(Postgres.restart)),
    Fault(
        "PostgreSQL out of connections",
        _postgres(Postgres.crowd),
        _postgres(Postgres.release),
    ),
    Fault(
        "event loop blocked",
        Deployment.stop_server,
        Deployment.go_on,
        lasts=2.0,
        blocks=True,
    ),
    Fault(
        "disk full",
        lambda deployment: deployment.limit_files(0),
        lambda deployment: deployment.limit_files(-1),
        on_sqlite=True,
    ),
    Fault(
        "clock an hour ahead",
        lambda deployment: deployment.set_clock(HOUR),
        lambda deployment: deployment.set_clock(0.0),
        on_sqlite=True,
    ),
    Fault(
        "clock an hour back",
        lambda deployment: deployment.set_clock(-HOUR),
        lambda deployment: deployment.set_clock(0.0),
        on_sqlite=True,
    ),
)


@contextmanager
def full_deployment(inworld_url: str) -> Iterator[Deployment]:
    """Start a server with Redis and PostgreSQL; raises `Missing` without either."""
    with Redis() as redis, Postgres(CONNECTIONS) as postgres:
        settings = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
        with _prepared(serving, settings, inworld_url) as server:
            yield Deployment(server, postgres.url, redis, postgres)


@contextmanager
def standalone_deployment(inworld_url: str) -> Iterator[Deployment]:
    """Start a server with an SQLite file and a clock that can be shifted."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        skew = folder / "skew"
        skew.write_bytes(bytes(8))
        url = stack.enter_context(sqlite())
        paths = [str(Path(__file__).parent / "skewed"), os.environ.get("PYTHONPATH")]
        settings = {
            "DATABASE_URL": url,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "SKEW_FILE": str(skew),
        }
        # The clock is replaced when the interpreter starts.
        server = stack.enter_context(_prepared(serving_afresh, settings, inworld_url))
        yield Deployment(server, url, skew=skew)


@contextmanager
def _prepared(
    start: Callable[..., AbstractContextManager[LiveServer]],
    settings: dict[str, str],
    inworld_url: str,
) -> Iterator[LiveServer]:
    env = {**ENVIRONMENT, **settings, "INWORLD_BASE_URL": inworld_url}
    set_up(env)
    with start(**env) as server:
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGCONT)
