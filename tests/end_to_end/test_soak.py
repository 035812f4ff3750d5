"""Calls come and go: what the server holds does not grow. The long run is a bench."""

from tests.conftest import INWORLD_PORT, tracebacks
from tests.faults.crowd import reply
from tests.faults.groups import alone
from tests.faults.soak import Sample, Soak, growth
from tests.support.inworld.server import FakeInworld

SECONDS, EVERY = 16.0, 0.25
CALLERS = 4
# What a few calls more or less in progress make, and the interpreter's own ways.
MEMORY_MB, DESCRIPTORS, TASKS = 4.0, 6, 30


async def test_memory_descriptors_connections_and_tasks_stay_flat(
    inworld: FakeInworld,
) -> None:
    inworld.reply_with = reply
    with alone(f"http://127.0.0.1:{INWORLD_PORT}") as deployment:
        soak = Soak(deployment, CALLERS, fast=True)
        found = await soak.run(SECONDS, EVERY)
        assert tracebacks(deployment.server.output) == []
    assert soak.troubles == []
    assert soak.tally.calls > 2 * CALLERS
    first, second = found.first, found.second
    assert second.memory_mb <= first.memory_mb + MEMORY_MB, found
    assert second.descriptors <= first.descriptors + DESCRIPTORS, found
    assert second.connections <= first.connections + DESCRIPTORS, found
    assert second.tasks <= first.tasks + TASKS, found


def test_halves_are_compared_after_warming_up() -> None:
    samples = [Sample(float(n), n, n, n) for n in range(8)]
    found = growth(samples)
    assert found.first == Sample(3.0, 3, 3, 3)
    assert found.second == Sample(6.0, 6, 6, 6)
