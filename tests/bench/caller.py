"""One call of the load: does what Twilio does, but does not decode the sound."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import cycle
from secrets import token_hex
from time import monotonic
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from calls.simulator.forms import setup_fields, voice_form
from calls.simulator.line import CallFailed, Line
from calls.simulator.twilio_client import TwilioClient
from calls.simulator.twiml import Relay, read_twiml
from calls.turns.clip_ids import is_early
from tests.bench.fetch import BadAnswer, Download, Fetcher, clip_seconds
from tests.bench.plan import Plan
from tests.bench.turns import HUNG
from tests.support.live import AUTH_TOKEN, PUBLIC_URL

# An interruption starts this long after the first sound; its words follow after.
INTERRUPT_AFTER = 0.1
SPEECH_SECONDS = 0.5
GREETING = "greeting"
TIMEOUT = 15.0


@dataclass(slots=True)
class Clip:
    """The times of a clip on the monotonic clock."""

    played_at: float
    asked_at: float = 0.0
    sound_at: float = 0.0  # the first sound had arrived
    fetched_at: float = 0.0  # all of it had arrived
    early: bool = False  # its address was sent before its end
    gap: float = 0.0  # silence within it, because sound came too late (s)
    size: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Turn:
    """One turn of a caller and the clips of its reply; all times monotonic."""

    tag: str
    kind: str
    sent_at: float
    clips: list[Clip] = field(default_factory=list)
    interrupted_at: float = 0.0


class SharedState:
    """The clients and counters that all calls of this process share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        lines = [Line(PUBLIC_URL, AUTH_TOKEN, connect_to=url) for url in plan.servers]
        self.line = lines[0]
        self.twilio_clients = [TwilioClient(line) for line in lines]
        self.fetchers = [Fetcher(url, PUBLIC_URL) for url in plan.servers]
        self.next_fetcher = cycle(self.fetchers)
        self.errors: Counter[str] = Counter()
        self.webhooks: list[float] = []

    async def aclose(self) -> None:
        for fetcher in self.fetchers:
            fetcher.close()
        for client in self.twilio_clients:
            await client.close()


class Call:
    """One caller."""

    socket: ClientConnection

    def __init__(self, name: str, number: int, shared: SharedState) -> None:
        self.name = f"{name}.{number}"
        self.number = number
        self.shared = shared
        self.call_sid = "CA" + token_hex(16)
        self.turns: list[Turn] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.heard = asyncio.Event()  # set by the first clip of a turn
        self.speaking, self.speaking_until = False, 0.0
        self.silence: asyncio.TimerHandle | None = None
        self.over = False

    async def run(
        self, dials_at: float, turns: list[tuple[float, str]], ends_at: float
    ) -> None:
        """Dial, talk and hang up; errors are counted, not raised."""
        try:
            await _until(dials_at)
            async with asyncio.timeout(TIMEOUT):
                await self._dial()
            self._start(self._listen())
            for at, kind in turns:
                await _until(at)
                await self._ask(kind)
                if kind == "interrupted":
                    await self._interrupt()
            await _until(ends_at)
        except (CallFailed, ConnectionClosed, OSError) as error:
            self._count_error(f"call: {type(error).__name__}: {error}")
        finally:
            await self._hang_up()

    def report(self) -> list[dict[str, Any]]:
        return [asdict(turn) for turn in self.turns]

    async def _dial(self) -> None:
        twilio_clients, line = self.shared.twilio_clients, self.shared.line
        url = f"{line.public_origin}/voice"
        start = monotonic()
        client = twilio_clients[self.number % len(twilio_clients)]
        document = await client.post(url, voice_form(line, self.call_sid))
        self.shared.webhooks.append(monotonic() - start)
        verbs = read_twiml(document, url)
        if not verbs or not isinstance(relay := verbs[0], Relay):
            raise CallFailed("the call was refused")
        # No sticky sessions: every other pair of calls connects to another server.
        client_number = self.number + self.number // len(twilio_clients)
        client = twilio_clients[client_number % len(twilio_clients)]
        self.socket = await client.socket(relay.url)
        setup = setup_fields(line, self.call_sid, relay, first=True)
        self._turn(GREETING)
        await self._send(type="setup", sessionId="VX" + token_hex(16), **setup)

    def _turn(self, kind: str) -> Turn:
        self.heard.clear()
        turn = Turn(f"{self.name}.{len(self.turns)}", kind, monotonic())
        self.turns.append(turn)
        return turn

    async def _ask(self, kind: str) -> None:
        if self.silence:
            # The bot's last word is cut a little, as most callers do.
            self.silence.cancel()
            await self._silent()
        turn = self._turn(kind)
        wanted = "standard" if kind == "interrupted" else kind
        words = f"I would like to know a bench:{turn.tag}:{wanted} please"
        await self._send(type="prompt", voicePrompt=words, lang="en-US", last=True)

    async def _interrupt(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self.heard.wait()
        except TimeoutError:
            return  # counted as a turn without sound
        await asyncio.sleep(INTERRUPT_AFTER)
        if self.silence:
            self.silence.cancel()
        self.silence, self.speaking = None, False
        self.turns[-1].interrupted_at = monotonic()
        await self._send(
            type="interrupt",
            utteranceUntilInterrupt="",
            durationUntilInterruptMs=round(INTERRUPT_AFTER * 1000),
        )
        await self._info("clientSpeaking", "on")
        await asyncio.sleep(SPEECH_SECONDS)
        await self._info("clientSpeaking", "off")
        turn = self._turn("after")
        words = f"I meant the other bench:{turn.tag}:standard please"
        await self._send(type="prompt", voicePrompt=words, lang="en-US", last=True)

    async def _listen(self) -> None:
        with suppress(ConnectionClosed):
            async for raw in self.socket:
                now, frame = monotonic(), json.loads(raw)
                if frame["type"] == "play":
                    clip = Clip(now)
                    self.turns[-1].clips.append(clip)
                    self.heard.set()
                    self._start(self._fetch(clip, frame["source"]))
                elif frame["type"] == "text" and self.turns[-1].kind == HUNG:
                    self.turns[-1].clips.append(Clip(now, sound_at=now))
                else:
                    self._count_error(f"frame: {raw!s:.80}")
        if not self.over:
            self._count_error(f"socket closed by the server: {self.socket.close_code}")

    async def _fetch(self, clip: Clip, url: str) -> None:
        clip.asked_at, clip.early = monotonic(), is_early(url)
        download = Download(lambda: self._begin(clip))
        try:
            await next(self.shared.next_fetcher).clip(url, download)
        except (BadAnswer, OSError, asyncio.IncompleteReadError) as error:
            return self._count_error(f"clip: {type(error).__name__}: {error}")
        clip.fetched_at = monotonic()
        clip.size, clip.seconds = len(download.body), clip_seconds(download.body)
        clip.gap = download.gap
        if self._is_current(clip):
            self._play_to_the_end(clip)
        return None

    def _is_current(self, clip: Clip) -> bool:
        """False for a clip that an interruption has dropped: it is not played."""
        return clip in self.turns[-1].clips and not self.turns[-1].interrupted_at

    def _begin(self, clip: Clip) -> None:
        """Play a clip, whose sound has begun to arrive, after those before it."""
        clip.sound_at = monotonic()
        if self._is_current(clip) and not self.speaking:
            self.speaking, self.speaking_until = True, clip.sound_at
            self._start(self._info("agentSpeaking", "on"))

    def _play_to_the_end(self, clip: Clip) -> None:
        if self.silence:
            self.silence.cancel()
        self.speaking_until += clip.seconds + clip.gap
        loop = asyncio.get_running_loop()
        self.silence = loop.call_at(
            self.speaking_until, lambda: self._start(self._silent())
        )

    async def _silent(self) -> None:
        self.silence, self.speaking = None, False
        await self._info("agentSpeaking", "off")

    async def _info(self, name: str, value: str) -> None:
        await self._send(type="info", name=name, value=value)

    async def _send(self, **message: Any) -> None:
        with suppress(ConnectionClosed):  # `_listen` counts it
            await self.socket.send(json.dumps(message))

    async def _hang_up(self) -> None:
        self.over = True
        if self.silence:
            self.silence.cancel()
        if hasattr(self, "socket"):
            await self.socket.close(1000)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._count_error(f"bench: {error!r}")

    def _count_error(self, error: str) -> None:
        self.shared.errors[error[:120]] += 1


async def _until(moment: float) -> None:
    await asyncio.sleep(max(moment - monotonic(), 0))
