"""Threads for database work of the event loop."""

import pytest
from django.db import connections

from calls.db import THREADS, run_in_db_thread

pytestmark = pytest.mark.django_db(transaction=True)


@run_in_db_thread
def opened() -> object:
    """Use the database; return the thread's connection."""
    connection = connections["default"]
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has a pool of connections.")
    connection.ensure_connection()
    return connection.connection


async def test_a_thread_keeps_its_sqlite_connection() -> None:
    found = [await opened() for _ in range(3 * THREADS)]
    assert len({id(connection) for connection in found}) <= THREADS
