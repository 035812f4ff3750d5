"""A person whom a call is put through to, and their telephone."""

from asyncio import Event
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from .carrier import Carrier
from .forms import key_form, person_form
from .frames import speech
from .line import Line, Person
from .record import Clock
from .twiml import Dial, Gather, Hangup, Say, Verb, read_twiml

# How long a person takes to pick up, and talks with the caller (s).
PICKS_UP_AFTER = 2.0
TALKS = 3.0


@dataclass(frozen=True, slots=True)
class Rung:
    """How ringing somebody up ended, in the words of the dial's callback."""

    status: str
    bridged: bool = False
    seconds: float = 0.0


class Telephone:
    """One ringing of one person; `tell` is told what happens there.

    `gone` is set when the caller hangs up meanwhile.
    """

    def __init__(
        self,
        person: Person,
        line: Line,
        carrier: Carrier,
        clock: Clock,
        gone: Event,
        tell: Callable[[str], None],
    ) -> None:
        self.sid = "CA" + token_hex(16)
        self.person = person
        self.line = line
        self.carrier = carrier
        self.clock = clock
        self.gone = gone
        self.tell = tell

    async def ring(self, dial: Dial, call_sid: str) -> Rung:
        """Ring until they pick up, and connect them with the caller if they wish."""
        self.tell(f"{dial.number} rings")
        if self.person is Person.BUSY:
            self.tell("is on the phone")
            return Rung("busy")
        waits = dial.rings if self.person is Person.NO_ANSWER else PICKS_UP_AFTER
        if not await self._wait(waits) or self.person is Person.NO_ANSWER:
            self.tell("does not pick up")
            return Rung("canceled" if self.gone.is_set() else "no-answer")
        began = self.clock.seconds
        shown = dial.attributes.get("callerId", self.line.from_)
        form = person_form(self.line, call_sid, self.sid, dial.number, shown)
        taken = await self._picks_up(dial, form)
        if taken:
            self.tell("talks with the caller")
            await self._wait(TALKS)
        else:
            self.tell("hangs up")
        return Rung("completed", taken, self.clock.seconds - began)

    async def _picks_up(self, dial: Dial, form: dict[str, str]) -> bool:
        """Whether the two are connected in the end."""
        if not dial.screen:
            return self.person is not Person.DECLINES
        return await self._follow(await self._ask(dial.screen, form), form)

    async def _follow(self, verbs: list[Verb], form: dict[str, str]) -> bool:
        """Do as the TwiML says; at its end the two are connected."""
        for verb in verbs:
            match verb:
                case Say(text):
                    await self._hear(text)
                case Gather(words, action):
                    await self._hear(words)
                    if key := self.person.key:
                        self.tell(f"presses {key}")
                        verbs = await self._ask(action, key_form(form, key))
                        return await self._follow(verbs, form)
                case Hangup():
                    return False
        return True

    async def _ask(self, url: str, form: dict[str, str]) -> list[Verb]:
        return read_twiml(await self.carrier.post(url, form), url)

    async def _hear(self, words: str) -> None:
        self.tell(f"hears “{words}”")
        await self._wait(speech(words).seconds)

    async def _wait(self, seconds: float) -> bool:
        """Wait so long; False: the caller hung up before."""
        if self.gone.is_set():
            return False
        return await self.clock.reach(self.clock.seconds + seconds, self.gone)
