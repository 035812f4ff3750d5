"""Two threads on a PostgreSQL, in place of two processes that do something at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connections

from tests.support.live import manage
from tests.support.services import Missing, Postgres, django_on

T = TypeVar("T")


class Threads:
    """Two threads; the connections of each work are closed after it.

    Work that both do waits at the `gate` until the other one is there, too.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.gate = Barrier(2, timeout=30)

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """Begin to work in a thread."""

        def done() -> T:
            try:
                return work()
            finally:
                connections.close_all()

        return self.pool.submit(done)

    def run(self, work: Callable[[], T]) -> T:
        """Work in a thread, to the end."""
        return self.begin(work).result(60)

    def at_once(self, work: Callable[[], T]) -> list[T]:
        """Do the same work in both threads at the same time; returns both results."""

        def together() -> T:
            self.gate.wait()
            return work()

        both = [self.begin(together) for _ in range(2)]
        return [one.result(60) for one in both]


@contextmanager
def threads_on(postgres: Postgres) -> Iterator[Threads]:
    """Threads whose connections lead to a PostgreSQL."""
    with ThreadPoolExecutor(2) as pool, django_on(postgres, "default"):
        yield Threads(pool)


@contextmanager
def threads_on_postgresql() -> Iterator[Threads]:
    """Threads on a PostgreSQL of their own, or the test is skipped."""
    if connections["default"].vendor != "sqlite":
        pytest.skip("The tests run on PostgreSQL.")
    try:
        with Postgres() as postgres:
            manage({"DATABASE_URL": postgres.url}, "migrate", "--verbosity=0")
            with threads_on(postgres) as threads:
                yield threads
    except Missing as missing:
        pytest.skip(str(missing))
