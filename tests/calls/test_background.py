"""Periodic jobs: they start once, go on after failures, and end when closed."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from django.db import OperationalError

from calls.background import BackgroundTasks, PeriodicTask


class Job:
    """Counts its runs; each run raises the next of `errors`, until there is none."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def test_it_runs_again_and_again_until_closed() -> None:
    job = Job()
    periodic = PeriodicTask(0.001, job, "Job")
    periodic.start()
    task = periodic.task
    periodic.start()
    assert periodic.task is task
    await until(lambda: job.runs > 2)
    await periodic.aclose()
    assert task
    assert task.done()


async def test_the_first_run_can_be_delayed_and_a_pause_skipped() -> None:
    job = Job()
    periodic = PeriodicTask(1000, job, "Job", delay=1000)
    periodic.start()
    await asyncio.sleep(0.01)
    assert job.runs == 0
    for runs in (1, 2):
        periodic.run_soon()
        await until(lambda runs=runs: job.runs == runs)  # type: ignore[misc]
    await periodic.aclose()
    assert job.runs == 2


async def test_a_failed_run_is_logged_and_repeated(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = Job(ValueError("oh no"), ValueError("oh no"))
    periodic = PeriodicTask(0.001, job, "Job")
    periodic.start()
    await until(lambda: job.runs > 3)
    await periodic.aclose()
    assert caplog.text.count("Job failed; next run in 0.001 s") == 2


async def test_an_outage_of_the_database_is_logged_once_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    job = Job(*[OperationalError("gone")] * 3)
    periodic = PeriodicTask(0.001, job, "Job")
    periodic.start()
    await until(lambda: job.runs > 5)
    await periodic.aclose()
    assert [record.message for record in caplog.records] == [
        "Job: waiting for the database: OperationalError",
        "Job: the database is back",
    ]


async def test_a_run_in_progress_gets_time_to_end_and_no_run_follows() -> None:
    started, ended = asyncio.Event(), []

    async def job() -> None:
        started.set()
        await asyncio.sleep(0.05)
        ended.append(True)

    periodic = PeriodicTask(0.001, job, "Job")
    periodic.start()
    await started.wait()
    await periodic.aclose(grace=5)
    assert ended == [True]


async def test_without_time_to_end_a_run_is_cancelled() -> None:
    started = asyncio.Event()

    async def job() -> None:
        started.set()
        await asyncio.Event().wait()

    periodic = PeriodicTask(0.001, job, "Job")
    periodic.start()
    await started.wait()
    await periodic.aclose()
    assert periodic.task
    assert periodic.task.cancelled()


async def test_tasks_get_their_time_when_the_process_ends() -> None:
    ended: list[str] = []
    waits = asyncio.Event()

    async def short() -> None:
        await asyncio.sleep(0)
        ended.append("short")

    async def endless() -> None:
        await waits.wait()

    tasks = BackgroundTasks(logging.getLogger(__name__))
    tasks.start(short())
    tasks.start(endless())
    await tasks.aclose(0.05)
    assert ended == ["short"]
    assert not tasks.tasks
