"""How late a measuring process is itself, so that its own delays are not blamed."""

import asyncio
import math
from time import monotonic

TICK_SECONDS = 0.02


class Lag:
    """The lateness of a timer that rings all the time."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def watch(self, seconds: float) -> None:
        """Measure for so long."""
        end = monotonic() + seconds
        while (due := monotonic() + TICK_SECONDS) < end:
            await asyncio.sleep(TICK_SECONDS)
            self.late.append(monotonic() - due)

    def take(self) -> float:
        """The 99th percentile so far, in milliseconds; counting starts anew."""
        late, self.late = sorted(self.late), []
        return round(1000 * late[math.ceil(0.99 * len(late)) - 1], 2) if late else 0.0
