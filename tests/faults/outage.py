"""One fault during calls: what the callers noticed, and how soon all was well again."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from calls.simulator.call import SimulatedCall
from calls.simulator.line import CallFailed, Line
from tests.faults.crowd import Crowd
from tests.faults.groups import Deployment, Fault
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# After this long (s) nothing recovers any more.
GIVE_UP = 20.0
# How many answers everybody gets while a part is broken, and afterwards.
ANSWERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """The calls' results; times in seconds from the recovery of the part."""

    calls: int
    answers: int
    in_carriers_voice: int
    unheard: int  # clips that could not be fetched
    own_voice_after: float  # the last question that was answered in another
    written_after: float  # everything asked until the return
    call_taken_after: float
    troubles: list[str]  # calls that were lost
    faults: list[str]  # of transcripts

    @property
    def recovered_after(self) -> float:
        """When all was as before."""
        return max(self.own_voice_after, self.written_after, self.call_taken_after)


async def befall(
    fault: Fault,
    deployment: Deployment,
    size: int,
    *,
    thinks: float = 0.1,
    lasts: float = 0.0,
) -> Outcome:
    """Let a part fail for `lasts` seconds or more, while so many callers talk."""
    async with Crowd(deployment.server.url, size, thinks) as crowd:
        await asyncio.to_thread(fault.breaks, deployment)
        if fault.blocks:
            await asyncio.sleep(fault.lasts)
        else:
            pause = asyncio.sleep(max(fault.lasts, lasts))
            await asyncio.gather(crowd.answered(ANSWERS), pause)
        asked = _asked(crowd)
        await asyncio.to_thread(fault.mends, deployment)
        mended = monotonic()
        written, taken = await asyncio.gather(
            _written(deployment, asked, mended), _taken(deployment, mended)
        )
        await crowd.answered(ANSWERS)
    asked = _asked(crowd)
    await _settled(deployment, asked)
    return _outcome(crowd, mended, written, taken, deployment.ledger.faults(asked))


def _outcome(
    crowd: Crowd, mended: float, written: float, taken: float, faults: list[str]
) -> Outcome:
    answered = [question for question in crowd.questions if question.heard]
    elsewise = [question for question in answered if not question.in_own_voice]
    errors = [error for caller in crowd.callers for error in caller.call.errors]
    return Outcome(
        calls=len(crowd.callers),
        answers=len(answered),
        in_carriers_voice=len(elsewise),
        unheard=sum("Clip not played" in error for error in errors),
        own_voice_after=max(0.0, *(each.asked_at - mended for each in elsewise), 0.0),
        written_after=written,
        call_taken_after=taken,
        troubles=crowd.troubles,
        faults=faults,
    )


def _asked(crowd: Crowd) -> dict[str, list[str]]:
    return {
        caller.call.call_sid: [question.words for question in caller.questions]
        for caller in crowd.callers
    }


async def _written(
    deployment: Deployment, asked: dict[str, list[str]], since: float
) -> float:
    """Wait until the questions are in the database; how long that took."""
    async with asyncio.timeout(GIVE_UP):
        while True:
            if await asyncio.to_thread(deployment.ledger.has, asked):
                return monotonic() - since
            await asyncio.sleep(0.02)


async def _settled(deployment: Deployment, asked: dict[str, list[str]]) -> None:
    """Wait until calls are closed in the database; the transcript is whole by then."""
    ends: dict[str, tuple[str, str]] = {}

    def closed() -> bool:
        return all(ends.get(sid, ("",))[0] == "completed" for sid in asked)

    async with asyncio.timeout(GIVE_UP):
        while not closed():
            ends = await asyncio.to_thread(deployment.ledger.ends)
            await asyncio.sleep(0.05)


async def _taken(deployment: Deployment, since: float) -> float:
    """Ring until a bot answers; how long that took."""
    line = Line(PUBLIC_URL, AUTH_TOKEN, connect_to=deployment.server.url, fast=True)
    async with asyncio.timeout(GIVE_UP):
        while True:
            try:
                async with SimulatedCall(line) as call:
                    if call.answered:
                        await call.hears(1)
                        return monotonic() - since
            except CallFailed:
                continue
