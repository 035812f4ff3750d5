"""Measures the delays of the bench's own event loop, to tell them from the server's."""

import asyncio
import math
from time import monotonic

TICK_SECONDS = 0.02


class Lag:
    """The delays of a timer that expires every 20 ms."""

    def __init__(self) -> None:
        self.delays: list[float] = []

    async def watch(self, seconds: float) -> None:
        """Measure for this many seconds."""
        end = monotonic() + seconds
        while (due := monotonic() + TICK_SECONDS) < end:
            await asyncio.sleep(TICK_SECONDS)
            self.delays.append(monotonic() - due)

    def take(self) -> float:
        """Return the 99th percentile in milliseconds, and reset."""
        delays, self.delays = sorted(self.delays), []
        return (
            round(1000 * delays[math.ceil(0.99 * len(delays)) - 1], 2)
            if delays
            else 0.0
        )
