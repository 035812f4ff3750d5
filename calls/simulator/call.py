"""A simulated call, from dialling to hanging up."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from secrets import token_hex
from typing import Self

from .carrier import Carrier
from .forms import action_form, setup_fields, status_form, voice_form
from .frames import speech
from .line import BotSilent, CallFailed, CallOver, Line
from .record import Clock, Heard, Record
from .session import Ending, Session
from .twiml import Dial, Hangup, Other, Pause, Redirect, Relay, Say, Verb, read_twiml

# A server that drops every socket must not keep a caller busy for ever.
MAX_SESSIONS = 10


class SimulatedCall:
    """Dials on entering, hangs up on leaving; in between, the caller acts and waits."""

    def __init__(
        self, line: Line, on_heard: Callable[[Heard], None] | None = None
    ) -> None:
        self.line = line
        self.call_sid = "CA" + token_hex(16)
        self.record = Record(fast=line.fast, on_heard=on_heard)
        self.heard = self.record.heard
        self.frames = self.record.frames
        self.errors = self.record.errors
        self.actions: list[dict[str, str]] = []  # the action callbacks posted
        self.sessions = 0
        self.over = False
        self.refusal = ""  # what was spoken instead of connecting a bot
        self.dialled = ""  # whom the call was passed on to
        self._carrier = Carrier(line)
        self._session: Session | None = None
        self._conversation: asyncio.Task[None] | None = None
        self.hung_up = False  # by the caller

    async def __aenter__(self) -> Self:
        self.record.clock = Clock(fast=self.line.fast)
        try:
            await self._dial()
        except BaseException:
            await self._carrier.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            await self.hang_up()
        finally:
            await self._carrier.close()

    @property
    def now_ms(self) -> float:
        """Milliseconds since dialling."""
        return self.record.now_ms

    @property
    def answered(self) -> bool:
        """Whether the call was connected to a bot."""
        return self.sessions > 0

    @property
    def waits_ms(self) -> list[float]:
        """How long each answer's first sound took after the caller stopped speaking."""
        first: dict[int, float] = {}
        for heard in self.heard:
            if heard.turn:
                first.setdefault(heard.turn, heard.waited_ms)
        return list(first.values())

    async def say(self, text: str) -> bool:
        """Speak, interrupting the bot if it speaks; False: it could not hear that."""
        return await (await self._live()).speak(text)

    async def cough(self) -> bool:
        """Make a noise without words; False: it did not stop the bot."""
        return await (await self._live()).cough()

    async def press(self, digits: str) -> bool:
        """Press keys one after the other; False: none was reported to the bot."""
        return await (await self._live()).press(digits)

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a frame as it is, which a carrier never would."""
        await (await self._live()).send_raw(frame)

    async def lose_connection(self) -> None:
        """Break the relay's connection; the carrier asks the server how to go on."""
        (await self._live()).lose()

    async def interrupt(self, text: str, after: float = 0.0) -> bool:
        """Say it that many seconds into the reply; False: the reply ended sooner."""
        reached = await self.speaking(after)
        await self.say(text)
        return reached

    async def speaking(self, seconds: float) -> bool:
        """Wait until the bot has spoken that long, and hold playback there.

        Whatever the caller does or waits for next lets it go on. False: the bot was
        done before.
        """
        (await self._live()).player.hold(seconds)
        await self._patiently(lambda: self._held() or bool(self._finished()))
        await self._until_quiet(self._held)
        if not self._held():
            self._release()
        return self._held()

    async def hears(self, count: int = 1, patience: float | None = None) -> list[Heard]:
        """Wait until so many sounds were played since the caller last spoke."""
        self._release()
        await self._patiently(lambda: len(self._finished()) >= count, patience)
        return self._finished()

    async def reply(self, patience: float | None = None) -> list[Heard]:
        """Wait until the bot has spoken and is quiet again; what it said."""
        await self.hears(1, patience)
        await self._until_quiet(lambda: False)
        return self._finished()

    async def ends(self) -> None:
        """Wait until the call is over, by the bot's or the server's doing."""
        self._release()
        await self.record.until(lambda: self.over)

    async def hang_up(self) -> None:
        """End the call as a caller does, and wait for the last callback."""
        self.hung_up = self.hung_up or not self.over
        if self._session:
            await self._session.close(Ending("completed"))
        if self._conversation:
            await self._conversation

    async def _dial(self) -> None:
        url = self.line.webhook
        form = voice_form(self.line, self.call_sid)
        document = await self._carrier.post(url, form)
        relay = await self._follow(read_twiml(document, url))
        if relay:
            self._session = await self._connect(relay)
            self._conversation = asyncio.create_task(self._converse(self._session))
        else:
            self.refusal = " ".join(heard.text or "" for heard in self.heard)
            await self._finish()

    async def _connect(self, relay: Relay) -> Session | None:
        session = Session(relay, self.line, self.record, self._carrier)
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
                self.record.ring()
        except CallFailed as error:
            self.errors.append(str(error))
        finally:
            await self._finish()

    async def _afterwards(self, session: Session, ending: Ending) -> Session | None:
        """Do as the action callback's TwiML says; the next session, if there is one."""
        url = session.relay.action
        if not url:
            return None
        seconds = self.record.clock.seconds - session.began
        about = self.line, self.call_sid, session.session_id
        form = action_form(*about, seconds, ending)
        self.actions.append(form)
        verbs = read_twiml(await self._carrier.post(url, form), url)
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
                    spoken = Heard("carrier", seconds, text, played_seconds=seconds)
                    self.record.hear(spoken)
                case Pause(seconds):
                    await self.record.clock.wait(seconds)
                case Redirect(url):
                    self._carrier.turn_to_another()
                    form = voice_form(self.line, self.call_sid)
                    document = await self._carrier.post(url, form)
                    return await self._follow(read_twiml(document, url))
                case Dial(number):
                    self.dialled = number
                    return None
                case Hangup():
                    return None
                case Other(name):
                    self.errors.append(f"The simulator passed over <{name}>.")
        return None

    async def _finish(self) -> None:
        self.over = True
        self._session = None
        self.record.ring()
        if not self.line.status_callback:
            return
        now = format_datetime(datetime.now(UTC))
        form = status_form(self.line, self.call_sid, self.record.clock.seconds, now)
        try:
            await self._carrier.post(self.line.status_callback, form)
        except CallFailed as error:
            self.errors.append(str(error))

    async def _live(self) -> Session:
        # While the carrier reconnects there is no session for a moment.
        await self.record.until(lambda: self.over or self._session is not None)
        if self._session is None:
            raise self._dead()
        return self._session

    def _dead(self) -> CallOver:
        return CallOver(" ".join(["The call is over.", *self.errors]))

    def _release(self) -> None:
        if self._session:
            self._session.player.release()

    def _held(self) -> bool:
        return self._session is not None and self._session.player.held

    def _current(self) -> Heard | None:
        return self._session.player.current if self._session else None

    def _finished(self) -> list[Heard]:
        """The sounds of this turn that were played or cut."""
        current, turn = self._current(), self.record.turn
        return [h for h in self.heard if h.turn == turn and h is not current]

    async def _patiently(
        self, enough: Callable[[], bool], patience: float | None = None
    ) -> None:
        """Wait for it; the caller's patience runs only while nothing is heard."""
        patience = self.line.timeout if patience is None else patience
        while not enough():
            if self.over:
                raise self._dead()
            if not await self._more(enough, patience):
                said = f"The bot was silent for {patience:g} s."
                raise BotSilent(" ".join([said, *self.errors]))
            await self._until(lambda: enough() or self._current() is None)

    async def _until_quiet(self, enough: Callable[[], bool]) -> None:
        while not (enough() or self.over):
            await self._until(lambda: enough() or self._idle())
            if not await self._more(enough, self.line.pause):
                return

    async def _more(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait so long for another sound (or what is enough, or the call's end)."""
        count = len(self.heard)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: enough() or len(self.heard) > count)
            return True
        return False

    async def _until(self, happened: Callable[[], bool]) -> None:
        await self.record.until(lambda: self.over or happened())

    def _idle(self) -> bool:
        return self._session is None or self._session.player.idle
