"""Makes calls for a long time and samples the server's resources."""

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
from tests.faults.crowd import TIMEOUT
from tests.faults.deployment import Deployment
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# The share of samples before caches, pools and the interpreter's memory are filled.
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
class Counts:
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
    """Runs short calls, always `at_once` at a time."""

    def __init__(self, deployment: Deployment, at_once: int, *, fast: bool) -> None:
        self.server = deployment.server
        self.line = Line(
            PUBLIC_URL,
            AUTH_TOKEN,
            connect_to=self.server.url,
            status_callback=f"{PUBLIC_URL}/voice/status",
            keep_audio=False,
            fast=fast,
            timeout=TIMEOUT,
            pause=0.1 if fast else 0.5,
        )
        self.at_once = at_once
        self.counts = Counts()
        self.lost_calls: list[str] = []
        self.samples: list[Sample] = []

    async def run(self, seconds: float, every: float) -> Growth:
        """Make calls for `seconds`; sample the server every `every` seconds."""
        ends_at = monotonic() + seconds
        callers = [
            asyncio.create_task(self._keep_calling(ends_at, random.Random(number)))
            for number in range(self.at_once)
        ]
        async with httpx.AsyncClient(base_url=self.server.url, timeout=30) as http:
            while monotonic() < ends_at:
                await asyncio.sleep(every)
                self.samples.append(await self._sample(http))
        await asyncio.gather(*callers)
        return growth(self.samples)

    async def _keep_calling(self, ends_at: float, chance: random.Random) -> None:
        while monotonic() < ends_at:
            try:
                async with SimulatedCall(self.line) as call:
                    await self._talk(call, chance)
            except CallFailed as error:
                self.lost_calls.append(f"{type(error).__name__}: {error}")
            self.counts.calls += 1

    async def _talk(self, call: SimulatedCall, chance: random.Random) -> None:
        """Talk a few turns; some callers interrupt, cough, press keys or reconnect."""
        await call.reply()
        for turn in range(chance.randint(1, 4)):
            await call.say(f"Number {turn}?")
            match chance.randint(1, 8):
                case 1 if await call.speaking(0.1):
                    await call.say("No, wait. Number 7?")
                    self.counts.interruptions += 1
                case 2 if await call.speaking(0.1):
                    await call.cough()
                case 3:
                    await call.press("1#")
                case 4:
                    await self._reconnect(call)
                case 5:
                    return  # hangs up in the middle
            await call.reply()
            self.counts.answers += 1

    async def _reconnect(self, call: SimulatedCall) -> None:
        sessions = call.sessions
        await call.lose_connection()
        await call.record.until(lambda: call.over or call.sessions > sessions)
        self.counts.reconnects += 1

    async def _sample(self, http: httpx.AsyncClient) -> Sample:
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
    """Compare the two halves of the samples after warming up."""
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
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def descriptors(pid: int) -> list[str]:
    """Return the targets of a process's open file descriptors."""
    targets = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            targets.append(str(link.readlink()))
    return targets
