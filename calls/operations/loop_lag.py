"""Measures event-loop lag, for `/metrics` and to stop taking calls in time."""

import asyncio
import logging

from django.conf import settings
from prometheus_client import Histogram

from calls.background import PeriodicTask
from calls.metrics import REGISTRY
from calls.operations.overload import Overload
from calls.session.active_calls import ActiveCalls

log = logging.getLogger(__name__)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
INTERVAL_SECONDS = 0.25
LOOP_LAG = Histogram(
    "voicebot_event_loop_lag_seconds",
    "Delay of the event loop's timers",
    buckets=BUCKETS,
    registry=REGISTRY,
)


class LoopLag(PeriodicTask):
    """Measures all the time; a process whose loop lags takes no further calls."""

    def __init__(self, calls: ActiveCalls) -> None:
        super().__init__(0.0, self.measure, "Loop lag")
        self.calls = calls
        self.overload = Overload(settings.OVERLOAD_LAG_MS / 1000)

    async def measure(self) -> None:
        """Measure once, and act on it."""
        lag = await measure_loop_lag()
        if not self.overload.record(lag, asyncio.get_running_loop().time()):
            return
        self.calls.is_overloaded = self.overload.is_overloaded
        if self.calls.is_overloaded:
            log.warning(
                "Overloaded: the event loop lags by more than %g ms. No further calls "
                "are taken; %d go on.",
                settings.OVERLOAD_LAG_MS,
                len(self.calls.sessions),
            )
        else:
            log.warning("No longer overloaded: calls are taken again")


async def measure_loop_lag() -> float:
    """Observe, and return, how late (s) a timer of the running loop fires."""
    loop = asyncio.get_running_loop()
    due_at = loop.time() + INTERVAL_SECONDS
    await asyncio.sleep(INTERVAL_SECONDS)
    lag = max(loop.time() - due_at, 0.0)
    LOOP_LAG.observe(lag)
    return lag
