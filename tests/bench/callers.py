"""The load generator, in a process of its own: a plan in as JSON, what happened out."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from tests.bench.caller import Call, Exchange
from tests.bench.lag import Lag
from tests.bench.plan import Plan

TICKS_PER_SECOND = 100  # of /proc/PID/stat, for ever


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, in user and system mode."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def peak_mb(pid: int) -> float:
    """The most memory a process ever had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def dial_all(exchange: Exchange, plan: Plan, name: str) -> dict[str, Any]:
    """Carry out a plan."""
    lag = Lag()
    watch = asyncio.create_task(lag.watch(plan.seconds))
    began, ends_at = monotonic() + 0.1, monotonic() + 0.1 + plan.seconds
    calls = [Call(name, n, exchange) for n in range(plan.calls)]
    runs = [
        asyncio.create_task(
            call.run(
                began + plan.dials_at(n),
                [(began + at, kind) for at, kind in plan.turns(n)],
                began + plan.ends_at(n),
            )
        )
        for n, call in enumerate(calls)
    ]
    starts, ends = (began + moment for moment in plan.window)
    await asyncio.sleep(max(starts - monotonic(), 0))
    own, used = process_time(), [*map(cpu_seconds, plan.pids)]
    await asyncio.sleep(max(ends - monotonic(), 0))
    now = map(cpu_seconds, plan.pids)
    spent = [after - before for after, before in zip(now, used, strict=True)]
    generator_share = (process_time() - own) / (ends - starts)
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
    """Wake the servers up with a call each, then measure."""
    exchange = Exchange(plan)
    try:
        await dial_all(exchange, plan.awakening(), "warm")
        exchange.errors.clear()
        exchange.webhooks.clear()
        result = await dial_all(exchange, plan, "c")
    finally:
        await exchange.aclose()
    return {**result, "errors": exchange.errors, "webhooks": exchange.webhooks}


def main() -> None:
    """Read a plan from standard input, write what happened to standard output."""
    plan = Plan.of(**json.load(sys.stdin))
    json.dump(asyncio.run(carry_out(plan)), sys.stdout)


if __name__ == "__main__":
    main()
