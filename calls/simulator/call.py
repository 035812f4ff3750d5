"""A simulated call, from dialling to hanging up."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from secrets import token_hex
from typing import Self

from .forms import action_form, dial_form, setup_fields, status_form, voice_form
from .frames import speech
from .line import SIMULATED_CALL, CallFailed, Line
from .person import Telephone
from .record import Clock, Heard, Record
from .session import Ending, Session
from .twilio_client import TwilioClient
from .twiml import Dial, Hangup, Pause, Redirect, Relay, Say, Verb, read_twiml
from .waiting import Waiting

# A server that drops every socket must not keep a caller busy for ever.
MAX_SESSIONS = 10


class SimulatedCall(Waiting):
    """Dials on entering, hangs up on leaving; in between, the caller acts and waits."""

    def __init__(
        self,
        line: Line,
        on_heard: Callable[[Heard], None] | None = None,
        on_person: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(line, Record(fast=line.fast, on_heard=on_heard))
        self.call_sid = SIMULATED_CALL + token_hex(12)
        self.frames = self.record.frames
        self.actions: list[dict[str, str]] = []  # the action callbacks posted
        self.dials: list[dict[str, str]] = []  # the callbacks posted after dialling
        self.sessions = 0
        self.refusal = ""  # the message of a server that connects no bot
        self.dialled = ""  # the number of the latest transfer
        self.person = line.person  # answers the dialled number
        self.passed_on = False  # the person took the call
        self.person_did: list[str] = []  # events at the person's telephone
        self.on_person = on_person
        self._client = TwilioClient(line)
        self._conversation: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()  # the caller hung up

    async def __aenter__(self) -> Self:
        self.record.clock = Clock(fast=self.line.fast)
        try:
            await self._dial()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            await self.hang_up()
        finally:
            await self._client.close()

    @property
    def hung_up(self) -> bool:
        """True if the caller ended the call."""
        return self._gone.is_set()

    @property
    def now_ms(self) -> float:
        """Milliseconds since dialling."""
        return self.record.now_ms

    @property
    def answered(self) -> bool:
        """True if the call was connected to a bot."""
        return self.sessions > 0

    @property
    def waits_ms(self) -> list[float]:
        """Latencies: from the caller's last word to the first sound of each answer."""
        first: dict[int, float] = {}
        for heard in self.heard:
            if heard.turn:
                first.setdefault(heard.turn, heard.waited_ms)
        return list(first.values())

    async def say(self, text: str) -> bool:
        """Speak, interrupting the bot if it speaks; False if it could not hear that."""
        return await (await self._live()).speak(text)

    async def cough(self) -> bool:
        """Make a noise without words; False if it did not stop the bot."""
        return await (await self._live()).cough()

    async def press(self, digits: str) -> bool:
        """Press keys one after the other; False if none was reported to the bot."""
        return await (await self._live()).press(digits)

    async def send_raw(self, frame: str | bytes) -> None:
        """Send any frame, even one that Twilio would never send."""
        await (await self._live()).send_raw(frame)

    def switch_server(self) -> None:
        """Have the proxy send further requests to another server."""
        self._client.switch_server()

    async def lose_connection(self) -> None:
        """Break the relay's connection; Twilio then asks the server how to go on."""
        (await self._live()).lose()

    async def fail(self, code: str, message: str) -> None:
        """End the relay session as Twilio does on an error of its own."""
        await (await self._live()).fail(code, message)

    async def interrupt(self, text: str, after: float = 0.0) -> bool:
        """Speak `after` seconds of the reply; False if the reply ended before."""
        reached = await self.speaking(after)
        await self.say(text)
        return reached

    async def ends(self) -> None:
        """Wait until the bot or the server ends the call."""
        self._release()
        await self.record.until(lambda: self.over)

    async def hang_up(self) -> None:
        """End the call as a caller does, and wait for the last callback."""
        if not self.over:
            self._gone.set()
        if self._session:
            await self._session.close(Ending("completed"))
        if self._conversation:
            await self._conversation

    async def _dial(self) -> None:
        url = self.line.voice_url
        form = voice_form(self.line, self.call_sid)
        document = await self._client.post(url, form)
        relay = await self._follow(read_twiml(document, url))
        if relay:
            self._session = await self._connect(relay)
            self._conversation = asyncio.create_task(self._converse(self._session))
        else:
            self.refusal = " ".join(heard.text or "" for heard in self.heard)
            await self._finish()

    async def _connect(self, relay: Relay) -> Session | None:
        session = Session(relay, self.line, self.record, self._client)
        first = self.sessions == 0
        fields = setup_fields(self.line, self.call_sid, relay, first=first)
        try:
            await session.open(fields)
        except CallFailed as error:
            if first:
                raise
            self.errors.append(str(error))
            return await self._afterwards(session, Ending("failed"))
        self.sessions += 1
        return session

    async def _converse(self, session: Session | None) -> None:
        try:
            while session:
                self._session = session
                if self.hung_up:
                    await session.close(Ending("completed"))
                ending = await session.run()
                self._session = None
                session = await self._afterwards(session, ending)
                self.record.notify()
        except CallFailed as error:
            self.errors.append(str(error))
        finally:
            await self._finish()

    async def _afterwards(self, session: Session, ending: Ending) -> Session | None:
        """Follow the TwiML of the action callback; returns the next session, if any."""
        url = session.relay.action
        if not url:
            return None
        seconds = self.record.clock.seconds - session.began
        ids = self.call_sid, session.session_id
        form = action_form(self.line, *ids, seconds, ending)
        self.actions.append(form)
        verbs = read_twiml(await self._client.post(url, form), url)
        # After a hang-up the TwiML is ignored, but must be valid.
        relay = None if self.hung_up else await self._follow(verbs)
        if relay and len(self.actions) >= MAX_SESSIONS:
            raise CallFailed(f"The relay was lost {MAX_SESSIONS} times.")
        return await self._connect(relay) if relay else None

    async def _follow(self, verbs: list[Verb]) -> Relay | None:
        for verb in verbs:
            match verb:
                case Relay():
                    return verb
                case Say(text):
                    seconds = speech(text).seconds
                    spoken = Heard("tts", seconds, text, played_seconds=seconds)
                    self.record.hear(spoken)
                case Pause(seconds):
                    await self.record.clock.wait(seconds)
                case Redirect(url):
                    self._client.switch_server()
                    form = voice_form(self.line, self.call_sid)
                    document = await self._client.post(url, form)
                    return await self._follow(read_twiml(document, url))
                case Dial():
                    return await self._transfer(verb)
                case Hangup():
                    return None
        return None

    async def _transfer(self, dial: Dial) -> Relay | None:
        """Dial a person; returns the relay of a call that the person did not take."""
        self.dialled = dial.number
        clock = self.record.clock
        telephone = Telephone(
            self.person, self.line, self._client, clock, self._gone, self._person_does
        )
        self._is_ringing = True
        self._dial_count += 1
        outcome = await telephone.ring(dial, self.call_sid)
        self.passed_on, self._is_ringing = outcome.bridged, False
        if not dial.action:
            return None
        form = dial_form(
            *(self.line, self.call_sid, telephone.sid, outcome.status),
            bridged=outcome.bridged,
            seconds=outcome.seconds,
            hung_up=self.hung_up,
        )
        self.dials.append(form)
        document = await self._client.post(dial.action, form)
        verbs = read_twiml(document, dial.action)
        return None if self.hung_up else await self._follow(verbs)

    def _person_does(self, what: str) -> None:
        self.person_did.append(what)
        if self.on_person:
            self.on_person(what)
        self.record.notify()

    async def _finish(self) -> None:
        self.over = True
        self._session = None
        self.record.notify()
        if not self.line.status_callback:
            return
        now = format_datetime(datetime.now(UTC))
        form = status_form(self.line, self.call_sid, self.record.clock.seconds, now)
        try:
            await self._client.post(self.line.status_callback, form)
        except CallFailed as error:
            self.errors.append(str(error))
