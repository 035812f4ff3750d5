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


class LoopLagMonitor:
    """Observes how late a timer fires. Uses no task, only timers."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.due_at = 0.0

    def start(self) -> None:
        """Monitor the running loop; does nothing if it is monitored already."""
        loop = asyncio.get_running_loop()
        if loop is not self.loop:
            self.loop = loop
            self._schedule(loop)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self.due_at = loop.time() + INTERVAL_SECONDS
        loop.call_at(self.due_at, self._observe, loop)

    def _observe(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self.loop:
            LOOP_LAG.observe(max(loop.time() - self.due_at, 0.0))
            self._schedule(loop)


loop_lag_monitor = LoopLagMonitor()
