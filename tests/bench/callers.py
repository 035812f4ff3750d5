"""The load generator process: reads a plan as JSON and writes the results as JSON."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from tests.bench.caller import Call, SharedState
from tests.bench.lag import Lag
from tests.bench.plan import Plan

TICKS_PER_SECOND = 100  # the unit of /proc/PID/stat


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, in user and system mode."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def peak_mb(pid: int) -> float:
    """Return the peak resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def dial_all(shared: SharedState, plan: Plan, name: str) -> dict[str, Any]:
    """Make the calls of a plan and measure the servers meanwhile."""
    lag = Lag()
    watch = asyncio.create_task(lag.watch(plan.seconds))
    start, ends_at = monotonic() + 0.1, monotonic() + 0.1 + plan.seconds
    calls = [Call(name, n, shared) for n in range(plan.calls)]
    runs = [
        asyncio.create_task(
            call.run(
                start + plan.dials_at(n),
                [(start + at, kind) for at, kind in plan.turns(n)],
                start + plan.ends_at(n),
            )
        )
        for n, call in enumerate(calls)
    ]
    starts, ends = (start + offset for offset in plan.window)
    await asyncio.sleep(max(starts - monotonic(), 0))
    own_cpu, cpu_before = process_time(), [*map(cpu_seconds, plan.pids)]
    await asyncio.sleep(max(ends - monotonic(), 0))
    cpu_after = map(cpu_seconds, plan.pids)
    spent = [
        after - before for after, before in zip(cpu_after, cpu_before, strict=True)
    ]
    generator_share = (process_time() - own_cpu) / (ends - starts)
    await asyncio.sleep(max(ends_at - 0.1 - monotonic(), 0))
    memory = [peak_mb(pid) for pid in plan.pids]
    await asyncio.gather(*runs)
    await watch
    return {
        "turns": [turn for call in calls for turn in call.report()],
        "window": [starts, ends],
        "cpu_seconds": spent,
        "peak_mb": memory,
        "lag_ms": lag.take(),
        "generator_share": generator_share,
    }


async def carry_out(plan: Plan) -> dict[str, Any]:
    """Warm up the servers with one call each, then measure."""
    shared = SharedState(plan)
    try:
        first = await dial_all(shared, plan.warm_up(), "warm")
        shared.errors.clear()
        shared.webhooks.clear()
        result = await dial_all(shared, plan, "c")
    finally:
        await shared.aclose()
    return {
        **result,
        "first_turns": first["turns"],
        "errors": shared.errors,
        "webhooks": shared.webhooks,
    }


def main() -> None:
    """Read a plan from standard input; write the results to standard output."""
    plan = Plan.of(**json.load(sys.stdin))
    json.dump(asyncio.run(carry_out(plan)), sys.stdout)


if __name__ == "__main__":
    main()
