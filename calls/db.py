"""Thread pools for database work of the event loop, deadlines and transient errors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from channels.db import database_sync_to_async
from django import db
from django.db import InterfaceError, OperationalError, connections

from calls import metrics

# Between the attempts of `write_in_the_end`.
RETRY_SECONDS = 1.0
THREADS, INCOMING_THREADS = 12, 6
# A file that replaces the database is used after so long at the latest.
KEPT_SECONDS = 60

T = TypeVar("T")


def _keep_sqlite_connection() -> None:
    """Let this thread keep its SQLite connection for a while: to open one costs 1 ms.

    The threads of pages would keep theirs for ever, so this is no setting of Django's.
    PostgreSQL has a pool.
    """
    connection = connections["default"]
    if connection.vendor == "sqlite":
        age = {"CONN_MAX_AGE": KEPT_SECONDS}
        connection.settings_dict = {**connection.settings_dict, **age}


# Pools of their own, so that a database that hangs blocks only them: the event loop's
# few default threads also resolve host names.
_threads = ThreadPoolExecutor(THREADS, "database", _keep_sqlite_connection)
# Apart, so that hanging incoming calls never keep calls in progress from resuming.
_incoming = ThreadPoolExecutor(INCOMING_THREADS, "incoming", _keep_sqlite_connection)

# Without `thread_sensitive=False` all sockets of a process share a single thread.
run_in_db_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=_threads
)
run_in_incoming_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=_incoming
)


class DatabaseUnavailable(Exception):
    """The database failed or did not answer in time; the message names the error."""


@asynccontextmanager
async def database_deadline(seconds: float) -> AsyncIterator[None]:
    """Limit the time that a block spends on the database, and count its failures.

    Raises `DatabaseUnavailable` in place of a database error or a timeout.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except (db.Error, TimeoutError) as error:
        metrics.count_dependency_error("database")
        raise DatabaseUnavailable(type(error).__name__) from error


async def write_in_the_end(write: Callable[..., T], *args: object) -> T:
    """Write the result of work that is done, however long the database is away."""
    while True:
        with suppress(db.Error):
            result: T = await run_in_db_thread(write)(*args)
            return result
        metrics.count_dependency_error("database")
        await asyncio.sleep(RETRY_SECONDS)


def is_transient(error: Exception) -> bool:
    """True if the database may accept the same write later."""
    # PostgreSQL's class 54 (program limit exceeded) fails however often it is tried.
    is_limit = str(getattr(error.__cause__, "sqlstate", "")).startswith("54")
    return isinstance(error, OperationalError | InterfaceError) and not is_limit


def drop_broken_connections() -> None:
    """Close this thread's connection, and remove the dead ones from the pool.

    After a restart of the database all are dead, and each would cost one attempt.
    """
    with suppress(Exception):  # the next attempt reports what is wrong
        connections.close_all()
        pool = getattr(connections["default"], "pool", None)
        if pool and not pool.closed:
            pool.check()
