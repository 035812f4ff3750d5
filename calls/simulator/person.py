"""The telephone of a person to whom a call is transferred."""

from asyncio import Event
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from .forms import key_form, person_form
from .frames import speech
from .line import Line, Person
from .record import Clock
from .twilio_client import TwilioClient
from .twiml import Dial, Gather, Hangup, Say, Verb, read_twiml

# Seconds until the person answers, and of the talk with the caller.
ANSWERS_AFTER = 2.0
TALK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class DialOutcome:
    """The outcome of dialling a person; `status` is Twilio's DialCallStatus."""

    status: str
    bridged: bool = False
    seconds: float = 0.0


class Telephone:
    """Rings once for one person, and reports events to `report`.

    `gone` is set when the caller hangs up meanwhile.
    """

    def __init__(
        self,
        person: Person,
        line: Line,
        client: TwilioClient,
        clock: Clock,
        gone: Event,
        report: Callable[[str], None],
    ) -> None:
        self.sid = "CA" + token_hex(16)
        self.person = person
        self.line = line
        self.client = client
        self.clock = clock
        self.gone = gone
        self.report = report

    async def ring(self, dial: Dial, call_sid: str) -> DialOutcome:
        """Ring until the person answers, and connect the caller if accepted."""
        self.report(f"{dial.number} rings")
        if self.person is Person.BUSY:
            self.report("is on the phone")
            return DialOutcome("busy")
        seconds = (
            dial.ring_seconds if self.person is Person.NO_ANSWER else ANSWERS_AFTER
        )
        if not await self._wait(seconds) or self.person is Person.NO_ANSWER:
            self.report("does not answer")
            return DialOutcome("canceled" if self.gone.is_set() else "no-answer")
        began = self.clock.seconds
        shown = dial.attributes.get("callerId", self.line.from_)
        form = person_form(self.line, call_sid, self.sid, dial.number, shown)
        accepted = await self._answer(dial, form)
        if accepted:
            self.report("talks with the caller")
            await self._wait(TALK_SECONDS)
        else:
            self.report("hangs up")
        return DialOutcome("completed", accepted, self.clock.seconds - began)

    async def _answer(self, dial: Dial, form: dict[str, str]) -> bool:
        """Follow the screening; True if caller and person get connected."""
        if not dial.screen:
            return self.person is not Person.DECLINES
        return await self._follow(await self._ask(dial.screen, form), form)

    async def _follow(self, verbs: list[Verb], form: dict[str, str]) -> bool:
        """Follow TwiML; at its end Twilio connects caller and person."""
        for verb in verbs:
            match verb:
                case Say(text):
                    await self._hear(text)
                case Gather(text, action):
                    await self._hear(text)
                    if key := self.person.key:
                        self.report(f"presses {key}")
                        verbs = await self._ask(action, key_form(form, key))
                        return await self._follow(verbs, form)
                case Hangup():
                    return False
        return True

    async def _ask(self, url: str, form: dict[str, str]) -> list[Verb]:
        return read_twiml(await self.client.post(url, form), url)

    async def _hear(self, text: str) -> None:
        self.report(f"hears “{text}”")
        await self._wait(speech(text).seconds)

    async def _wait(self, seconds: float) -> bool:
        """Wait so long; False if the caller hung up before."""
        if self.gone.is_set():
            return False
        return await self.clock.reach(self.clock.seconds + seconds, self.gone)
