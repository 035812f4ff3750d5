"""TODO."""

import asyncio

from prometheus_client import (
    Histogram,
)

from calls.metrics import REGISTRY

LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LAG_SECONDS = 0.25  # between two looks at how late the event loop is
LOOP_LAG = Histogram(
    "voicebot_event_loop_lag_seconds",
    "How late the event loop runs what is due",
    buckets=LAGS,
    registry=REGISTRY,
)


class LoopLagMonitor:
    """Looks at how late the event loop is: a timer now and then, no task."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.due_at = 0.0

    def start(self) -> None:
        """Watch the running loop; costs nothing when it is watched already."""
        loop = asyncio.get_running_loop()
        if loop is not self.loop:
            self.loop = loop
            self._wait(loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self.due_at = loop.time() + LAG_SECONDS
        loop.call_at(self.due_at, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self.loop:
            LOOP_LAG.observe(max(loop.time() - self.due_at, 0.0))
            self._wait(loop)


loop_watch = LoopLagMonitor()
