"""Where database work of the sockets and of the carrier's requests is done."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError, connections

# A database that hangs takes only these with it: the event loop has few threads, and
# looks for the names of hosts in them.
_threads = ThreadPoolExecutor(12, thread_name_prefix="database")
# New calls that hang must not keep those in progress from being resumed.
_ringing = ThreadPoolExecutor(6, thread_name_prefix="ringing")

# All sockets of a process otherwise share a single thread.
run_in_db_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=_threads
)
run_in_incoming_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=_ringing
)


def is_transient(error: Exception) -> bool:
    """Whether the database may take the same write later."""
    # PostgreSQL: too long or too complex, however often it is asked.
    is_limit = str(getattr(error.__cause__, "sqlstate", "")).startswith("54")
    return isinstance(error, OperationalError | InterfaceError) and not is_limit


def drop_broken_connections() -> None:
    """Let go of this thread's connection, and of all in the pool that are dead.

    After a restart of the database all of them are, and each would cost an attempt.
    """
    with suppress(Exception):  # the next attempt tells what is wrong
        connections.close_all()
        pool = getattr(connections["default"], "pool", None)
        if pool and not pool.closed:
            pool.check()
