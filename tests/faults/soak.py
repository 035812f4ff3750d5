"""Calls for a long time, and the server's resources during them."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

import httpx

from calls.simulator.call import SimulatedCall
from calls.simulator.line import CallFailed, Line
from tests.faults.crowd import PATIENCE
from tests.faults.groups import Deployment
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# Until caches, pools and the interpreter's own memory have their size.
WARM_UP = 0.25
TASKS = "voicebot_tasks "


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's resources at one time."""

    memory_mb: float
    descriptors: int
    connections: int
    tasks: int


@dataclass(slots=True)
class Tally:
    """Counts of the callers' actions."""

    calls: int = 0
    answers: int = 0
    interruptions: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True)
class Growth:
    """Medians of the first and the second half of the samples after warming up."""

    first: Sample
    second: Sample
    samples: int


class Soak:
    """Keeps so many callers busy with short calls."""

    def __init__(self, deployment: Deployment, at_once: int, *, fast: bool) -> None:
        self.server = deployment.server
        self.line = Line(
            PUBLIC_URL,
            AUTH_TOKEN,
            connect_to=self.server.url,
            status_callback=f"{PUBLIC_URL}/voice/status",
            keep_audio=False,
            fast=fast,
            timeout=PATIENCE,
            pause=0.1 if fast else 0.5,
        )
        self.at_once = at_once
        self.tally = Tally()
        self.troubles: list[str] = []
        self.samples: list[Sample] = []

    async def run(self, seconds: float, every: float) -> Growth:
        """Call for so long, looking at the server every so many seconds."""
        ends_at = monotonic() + seconds
        callers = [
            asyncio.create_task(self._keep_calling(ends_at, random.Random(number)))
            for number in range(self.at_once)
        ]
        async with httpx.AsyncClient(base_url=self.server.url, timeout=30) as http:
            while monotonic() < ends_at:
                await asyncio.sleep(every)
                self.samples.append(await self._look(http))
        await asyncio.gather(*callers)
        return growth(self.samples)

    async def _keep_calling(self, ends_at: float, chance: random.Random) -> None:
        while monotonic() < ends_at:
            try:
                async with SimulatedCall(self.line) as call:
                    await self._talk(call, chance)
            except CallFailed as error:
                self.troubles.append(f"{type(error).__name__}: {error}")
            self.tally.calls += 1

    async def _talk(self, call: SimulatedCall, chance: random.Random) -> None:
        """A greeting and a few turns; some cut in, cough, press keys, lose the line."""
        await call.reply()
        for turn in range(chance.randint(1, 4)):
            await call.say(f"Number {turn}?")
            match chance.randint(1, 8):
                case 1 if await call.speaking(0.1):
                    await call.say("No, wait. Number 7?")
                    self.tally.interruptions += 1
                case 2 if await call.speaking(0.1):
                    await call.cough()
                case 3:
                    await call.press("1#")
                case 4:
                    await self._reconnect(call)
                case 5:
                    return  # hangs up in the middle
            await call.reply()
            self.tally.answers += 1

    async def _reconnect(self, call: SimulatedCall) -> None:
        sessions = call.sessions
        await call.lose_connection()
        await call.record.until(lambda: call.over or call.sessions > sessions)
        self.tally.reconnects += 1

    async def _look(self, http: httpx.AsyncClient) -> Sample:
        pid = self.server.process.pid
        answer = await http.get("/metrics", headers={"Host": "127.0.0.1"})
        (tasks,) = (
            line.removeprefix(TASKS)
            for line in answer.text.splitlines()
            if line.startswith(TASKS)
        )
        files = descriptors(pid)
        sockets = sum(target.startswith("socket:") for target in files)
        return Sample(resident_mb(pid), len(files), sockets, int(float(tasks)))


def growth(samples: list[Sample]) -> Growth:
    """Compare the halves of what was seen after warming up."""
    warm = samples[int(WARM_UP * len(samples)) :]
    middle = len(warm) // 2
    return Growth(_median(warm[:middle]), _median(warm[middle:]), len(samples))


def _median(samples: list[Sample]) -> Sample:
    def of(what: Callable[[Sample], float]) -> float:
        return median(map(what, samples))

    return Sample(
        round(of(lambda sample: sample.memory_mb), 1),
        round(of(lambda sample: sample.descriptors)),
        round(of(lambda sample: sample.connections)),
        round(of(lambda sample: sample.tasks)),
    )


def resident_mb(pid: int) -> float:
    """The memory a process has now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid: int) -> list[str]:
    """The targets of a process's open file descriptors."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.append(str(each.readlink()))
    return found
