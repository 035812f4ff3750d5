"""What to make of a database that refuses, and of connections it has forgotten."""

from contextlib import suppress

from django.db import InterfaceError, OperationalError, connections


def is_passing(error: Exception) -> bool:
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
