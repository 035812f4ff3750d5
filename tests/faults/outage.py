"""Injects one fault during calls and measures the answers and the recovery."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from calls.simulator.call import SimulatedCall
from calls.simulator.line import CallFailed, Line
from tests.faults.crowd import Crowd
from tests.faults.deployment import Deployment, Fault
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# The recovery takes at most this long (s).
GIVE_UP = 20.0
# Each caller gets this many answers while a part is broken, and afterwards.
ANSWERS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of the calls; times in seconds from the repair of the part."""

    calls: int
    answers: int
    in_twilios_voice: int
    unheard: int  # clips that could not be fetched
    own_voice_after: float  # of the last question answered in Twilio's voice
    late_answers: int  # of one caller at most, in Twilio's voice after the repair
    written_after: float  # of the last question before the repair
    call_taken_after: float
    lost_calls: list[str]  # the reason of each
    faults: list[str]  # in transcripts

    @property
    def recovered_after(self) -> float:
        """The time when everything works as before."""
        return max(self.own_voice_after, self.written_after, self.call_taken_after)


async def inject(
    fault: Fault,
    deployment: Deployment,
    size: int,
    *,
    pause: float = 0.1,
    lasts: float = 0.0,
) -> Outcome:
    """Break a part for at least `lasts` seconds while `size` callers talk."""
    async with Crowd(deployment.server.url, size, pause) as crowd:
        await asyncio.to_thread(fault.breaks, deployment)
        if fault.blocks:
            await asyncio.sleep(fault.lasts)
        else:
            outage = asyncio.sleep(max(fault.lasts, lasts))
            await asyncio.gather(crowd.answered(ANSWERS), outage)
        questions = _questions(crowd)
        await asyncio.to_thread(fault.repairs, deployment)
        repaired_at = monotonic()
        written, taken = await asyncio.gather(
            _wait_until_stored(deployment, questions, repaired_at),
            _wait_until_answered(deployment, repaired_at),
        )
        await crowd.answered(ANSWERS)
        await crowd.hears_own_voice(repaired_at, GIVE_UP)
    questions = _questions(crowd)
    await _wait_until_closed(deployment, questions)
    return _outcome(
        crowd, repaired_at, written, taken, deployment.stored_calls.faults(questions)
    )


def _outcome(
    crowd: Crowd, repaired_at: float, written: float, taken: float, faults: list[str]
) -> Outcome:
    answered = [question for question in crowd.questions if question.heard]
    in_other_voice = [question for question in answered if not question.in_own_voice]
    errors = [error for caller in crowd.callers for error in caller.call.errors]
    return Outcome(
        calls=len(crowd.callers),
        answers=len(answered),
        in_twilios_voice=len(in_other_voice),
        unheard=sum("Clip not played" in error for error in errors),
        own_voice_after=max(
            0.0, *(q.asked_at - repaired_at for q in in_other_voice), 0.0
        ),
        late_answers=max(
            sum(
                q.asked_at > repaired_at and not q.in_own_voice for q in caller.answered
            )
            for caller in crowd.callers
        ),
        written_after=written,
        call_taken_after=taken,
        lost_calls=crowd.lost_calls,
        faults=faults,
    )


def _questions(crowd: Crowd) -> dict[str, list[str]]:
    return {
        caller.call.call_sid: [question.words for question in caller.questions]
        for caller in crowd.callers
    }


async def _wait_until_stored(
    deployment: Deployment, questions: dict[str, list[str]], since: float
) -> float:
    """Wait until the questions are in the database; return the seconds."""
    async with asyncio.timeout(GIVE_UP):
        while True:
            if await asyncio.to_thread(deployment.stored_calls.has, questions):
                return monotonic() - since
            await asyncio.sleep(0.02)


async def _wait_until_closed(
    deployment: Deployment, questions: dict[str, list[str]]
) -> None:
    """Wait until calls are closed in the database: their transcripts are complete."""
    ends: dict[str, tuple[str, str]] = {}

    def closed() -> bool:
        return all(ends.get(sid, ("",))[0] == "completed" for sid in questions)

    async with asyncio.timeout(GIVE_UP):
        while not closed():
            ends = await asyncio.to_thread(deployment.stored_calls.ends)
            await asyncio.sleep(0.05)


async def _wait_until_answered(deployment: Deployment, since: float) -> float:
    """Call until a bot answers; return the seconds."""
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
