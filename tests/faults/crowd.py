"""Several callers who ask one question after the other and record the answers."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self

from calls.simulator.call import SimulatedCall
from calls.simulator.line import CallFailed, Line
from calls.simulator.record import Heard
from tests.support.inworld.script import DONE, ROLE, Delay, Step, finish, speech, usage
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# A call counts as lost when its caller hears nothing for this long (s).
TIMEOUT = 12.0
# A reply is over after this much silence (s), more than a busy machine makes in one.
PAUSE = 0.5
# In the middle of an answer, so that faults interrupt some of them (s).
PAUSE_IN_ANSWER = 0.15


def reply(body: Any) -> Iterable[Step]:
    """Return an answer in two sentences; the first repeats the question."""
    asked = [turn["content"] for turn in body["messages"] if turn["role"] == "user"]
    question = (asked or ["nothing"])[-1].rstrip("?")
    first = speech(f"{question}.", seconds=0.2)
    second = speech("Yes.", seconds=0.2)
    return [ROLE, *first, Delay(PAUSE_IN_ANSWER), *second, finish(), usage(), DONE]


@dataclass(slots=True)
class Question:
    """One question, its time, and the sounds of its answer."""

    words: str
    asked_at: float
    heard: list[Heard] = field(default_factory=list)

    @property
    def in_own_voice(self) -> bool:
        """True when the entire answer was played as clips."""
        return bool(self.heard) and all(sound.kind == "clip" for sound in self.heard)


class Caller:
    """One call, from the greeting until `enough` is set."""

    def __init__(self, line: Line, pause: float) -> None:
        self.call = SimulatedCall(line)
        self.pause = pause
        self.questions: list[Question] = []
        self.enough = asyncio.Event()
        self.error = ""

    async def run(self) -> None:
        """Ask questions; record the error if the call ends before `enough` is set."""
        try:
            async with self.call:
                await self.call.reply()
                while not self.enough.is_set():
                    await self._ask()
        except CallFailed as error:
            self.error = self.error or f"{type(error).__name__}: {error}"

    async def _ask(self) -> None:
        words = f"Q{len(self.questions) + 1}?"
        question = Question(words, monotonic())
        self.questions.append(question)
        await self.call.say(words)
        question.heard = await self.call.reply()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.enough.wait(), self.pause)

    @property
    def answered(self) -> list[Question]:
        """The questions that got an answer."""
        return [question for question in self.questions if question.heard]


class Crowd:
    """All callers of a server; hang up when the block ends."""

    def __init__(self, url: str, size: int, pause: float) -> None:
        line = Line(
            PUBLIC_URL,
            AUTH_TOKEN,
            connect_to=url,
            keep_audio=False,
            timeout=TIMEOUT,
            pause=PAUSE,
        )
        self.callers = [Caller(line, pause) for _ in range(size)]
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for caller in self.callers:
            self.tasks.append(asyncio.create_task(caller.run()))
        await self.answered(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        for caller in self.callers:
            caller.enough.set()
        await asyncio.gather(*self.tasks)

    async def answered(self, more: int, seconds: float = 30.0) -> None:
        """Wait until every caller still on the line has this many more answers."""
        goal = [len(caller.answered) + more for caller in self.callers]

        def reached() -> bool:
            pairs = zip(self.callers, goal, strict=True)
            return all(
                caller.error or len(caller.answered) >= wanted
                for caller, wanted in pairs
            )

        await until(reached, seconds)

    async def hears_own_voice(self, since: float, seconds: float) -> None:
        """Wait until every caller still on the line was answered in the bot's voice."""

        def reached() -> bool:
            return all(
                caller.error
                or any(
                    question.in_own_voice and question.asked_at > since
                    for question in caller.answered
                )
                for caller in self.callers
            )

        await until(reached, seconds)

    @property
    def questions(self) -> list[Question]:
        """The questions of all callers."""
        return [question for caller in self.callers for question in caller.questions]

    @property
    def lost_calls(self) -> list[str]:
        """The reasons why calls were lost: an error, or an end by the server."""
        lost = [caller.error for caller in self.callers if caller.error]
        early = [c.call.call_sid for c in self.callers if not c.call.hung_up]
        return lost or [f"{sid} was ended by the server" for sid in early]


async def until(happened: Callable[[], bool], seconds: float) -> None:
    """Wait until the condition is true; raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 (no event covers all conditions)
            await asyncio.sleep(0.02)
