"""Measures event-loop lag for `/metrics`."""

import asyncio

from prometheus_client import Histogram

from calls.metrics import REGISTRY

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
INTERVAL_SECONDS = 0.25
LOOP_LAG = Histogram(
    "voicebot_event_loop_lag_seconds",
    "Delay of the event loop's timers",
    buckets=BUCKETS,
    registry=REGISTRY,
)


async def measure_loop_lag() -> None:
    """Observe how late a timer of the running loop fires."""
    loop = asyncio.get_running_loop()
    due_at = loop.time() + INTERVAL_SECONDS
    await asyncio.sleep(INTERVAL_SECONDS)
    LOOP_LAG.observe(max(loop.time() - due_at, 0.0))
