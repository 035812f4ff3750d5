"""Several callers who ask one question after the other, and notice what they get."""

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

# A caller who hears nothing for so long (s) has lost patience: the call counts as lost.
PATIENCE = 12.0
# A reply is over after so much silence (s).
PAUSE = 0.25
# In the middle of an answer, so that a fault meets some half-way.
PONDERS = 0.15


def reply(body: Any) -> Iterable[Step]:
    """An answer in two sentences, the first of which repeats the question."""
    asked = [turn["content"] for turn in body["messages"] if turn["role"] == "user"]
    question = (asked or ["nothing"])[-1].rstrip("?")
    first = speech(f"{question}.", seconds=0.2)
    second = speech("Yes.", seconds=0.2)
    return [ROLE, *first, Delay(PONDERS), *second, finish(), usage(), DONE]


@dataclass(slots=True)
class Question:
    """One question, its time, and the sounds of its answer."""

    words: str
    asked_at: float
    heard: list[Heard] = field(default_factory=list)

    @property
    def in_own_voice(self) -> bool:
        """True when the entire answer came as clips."""
        return bool(self.heard) and all(each.kind == "clip" for each in self.heard)


class Caller:
    """One call, from the greeting until it is told to hang up."""

    def __init__(self, line: Line, thinks: float) -> None:
        self.call = SimulatedCall(line)
        self.thinks = thinks
        self.questions: list[Question] = []
        self.enough = asyncio.Event()
        self.problem = ""

    async def run(self) -> None:
        """Talk; record the error that ends the call before the caller does."""
        try:
            async with self.call:
                await self.call.reply()
                while not self.enough.is_set():
                    await self._ask()
        except CallFailed as error:
            self.problem = self.problem or f"{type(error).__name__}: {error}"

    async def _ask(self) -> None:
        words = f"Q{len(self.questions) + 1}?"
        question = Question(words, monotonic())
        self.questions.append(question)
        await self.call.say(words)
        question.heard = await self.call.reply()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.enough.wait(), self.thinks)

    @property
    def answered(self) -> list[Question]:
        """The questions that got an answer."""
        return [question for question in self.questions if question.heard]


class Crowd:
    """All callers of a server; hang up when the block ends."""

    def __init__(self, url: str, size: int, thinks: float) -> None:
        line = Line(
            PUBLIC_URL,
            AUTH_TOKEN,
            connect_to=url,
            keep_audio=False,
            timeout=PATIENCE,
            pause=PAUSE,
        )
        self.callers = [Caller(line, thinks) for _ in range(size)]
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
        """Wait until every caller still on the line had so many more answers."""
        goal = [len(caller.answered) + more for caller in self.callers]

        def reached() -> bool:
            pairs = zip(self.callers, goal, strict=True)
            return all(
                caller.problem or len(caller.answered) >= wanted
                for caller, wanted in pairs
            )

        await until(reached, seconds)

    @property
    def questions(self) -> list[Question]:
        """Everything that was asked."""
        return [question for caller in self.callers for question in caller.questions]

    @property
    def troubles(self) -> list[str]:
        """Why calls were lost: ended by somebody else, or left without an answer."""
        lost = [caller.problem for caller in self.callers if caller.problem]
        early = [c.call.call_sid for c in self.callers if not c.call.hung_up]
        return lost or [f"{sid} was ended by the server" for sid in early]


async def until(happened: Callable[[], bool], seconds: float) -> None:
    """Look until it is so; raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 (nothing tells of all of this)
            await asyncio.sleep(0.02)
