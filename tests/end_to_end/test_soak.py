"""The server's resources do not grow over many calls; `make faults` runs longer."""

from tests.conftest import INWORLD_PORT, tracebacks
from tests.faults.crowd import reply
from tests.faults.deployment import standalone_deployment
from tests.faults.soak import Sample, Soak, growth
from tests.support.inworld.server import FakeInworld

SECONDS, EVERY = 9.0, 0.15
CALLERS = 4
# Tolerances: for a few calls more or less in progress, and for the interpreter.
MEMORY_MB, DESCRIPTORS, TASKS = 4.0, 6, 30


async def test_memory_descriptors_connections_and_tasks_stay_flat(
    inworld: FakeInworld,
) -> None:
    inworld.reply_with = reply
    with standalone_deployment(f"http://127.0.0.1:{INWORLD_PORT}") as deployment:
        soak = Soak(deployment, CALLERS, fast=True)
        medians = await soak.run(SECONDS, EVERY)
        assert tracebacks(deployment.server.output) == []
    assert soak.lost_calls == []
    assert soak.counts.calls > 2 * CALLERS
    first, second = medians.first, medians.second
    assert second.memory_mb <= first.memory_mb + MEMORY_MB, medians
    assert second.descriptors <= first.descriptors + DESCRIPTORS, medians
    assert second.connections <= first.connections + DESCRIPTORS, medians
    assert second.tasks <= first.tasks + TASKS, medians


def test_halves_are_compared_after_warming_up() -> None:
    samples = [Sample(float(n), n, n, n) for n in range(8)]
    medians = growth(samples)
    assert medians.first == Sample(3.0, 3, 3, 3)
    assert medians.second == Sample(6.0, 6, 6, 6)
